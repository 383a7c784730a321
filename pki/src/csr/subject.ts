import { decodeOid } from '../der/oid.ts';
import type { DerReader } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';
import { PkiError } from '../errors.ts';

const ORGANIZATION = '2.5.4.10';

/**
 * The subject must be empty, or the single `O=""` that Go's template makes for pilot-agent. Any other name would be a
 * claim that nobody attested.
 *
 * @returns whether there is no RDN at all
 */
export function checkSubject(name: DerReader): boolean {
  if (name.done) return true;
  const rdn = name.enter(TAG.set);
  const attribute = rdn.enter(TAG.sequence);
  const oid = decodeOid(attribute.content(TAG.oid));
  const tag = attribute.peek();
  const value = tag === TAG.printableString || tag === TAG.utf8String ? attribute.content(tag) : null;
  if (oid !== ORGANIZATION || value === null || value.length > 0 || !attribute.done || !rdn.done || !name.done) {
    throw new PkiError('csr-subject', `CSR subject with a name (${oid}), expected an empty one or O=""`);
  }
  return false;
}

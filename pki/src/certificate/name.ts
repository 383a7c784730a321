import { fromUtf8 } from '../bytes.ts';
import { decodeOid } from '../der/oid.ts';
import { DerReader } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';
import { PkiError } from '../errors.ts';

/** Octets of a character, by tag. TeletexString, UniversalString and BMPString are for old roots (RFC 5280 §4.1.2.4). */
const STRINGS: ReadonlyMap<number, number> = new Map([
  [TAG.utf8String, 1],
  [TAG.printableString, 1],
  [TAG.ia5String, 1],
  [0x14, 1],
  [0x1c, 4],
  [0x1e, 2],
]);

/** Reads a Name and gives it back as DER, its structure checked: RDNs that are not empty, of attributes with one string each. */
export function readName(reader: DerReader): Uint8Array {
  const name = reader.element(TAG.sequence);
  if (name.length === 2) return name;
  const rdns = DerReader.of(name).enter(TAG.sequence);
  while (!rdns.done) {
    const rdn = rdns.enter(TAG.set);
    do {
      const attribute = rdn.enter(TAG.sequence);
      decodeOid(attribute.content(TAG.oid));
      checkString(attribute);
      attribute.end('attribute of a name');
    } while (!rdn.done);
  }
  return name;
}

function checkString(attribute: DerReader): void {
  const tag = attribute.peek();
  const unit = STRINGS.get(tag);
  if (unit === undefined) throw new PkiError('certificate-name', 'a name with a value that is no string');
  const content = attribute.content(tag);
  if (content.length % unit !== 0) throw new PkiError('certificate-name', 'a name that ends within a character');
  if (tag === TAG.utf8String) fromUtf8(content);
}

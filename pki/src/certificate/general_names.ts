import { fromUtf8 } from '../bytes.ts';
import { decodeOid } from '../der/oid.ts';
import { DerReader } from '../der/reader.ts';
import { contextTag, contextTagConstructed, TAG } from '../der/tags.ts';
import { PkiError } from '../errors.ts';
import { readName } from './name.ts';

/** Identifier octets of GeneralName (RFC 5280 §4.2.1.6); the constructed ones are explicit or structured choices. */
export const GENERAL_NAME = {
  otherName: contextTagConstructed(0),
  mail: contextTag(1),
  dns: contextTag(2),
  x400Address: contextTagConstructed(3),
  directoryName: contextTagConstructed(4),
  ediPartyName: contextTagConstructed(5),
  uri: contextTag(6),
  ip: contextTag(7),
  registeredId: contextTag(8),
} as const;

const tags: ReadonlySet<number> = new Set(Object.values(GENERAL_NAME));

/** Reads one GeneralName as its identifier octet and content; a tag that is no GeneralName is refused, and a malformed one. */
export function readGeneralName(reader: DerReader): { tag: number; content: Uint8Array } {
  const tag = reader.peek();
  if (!tags.has(tag)) throw new PkiError('certificate-extension', 'a general name of an unknown kind');
  if (tag === GENERAL_NAME.x400Address || tag === GENERAL_NAME.ediPartyName) {
    throw new PkiError('certificate-extension', 'an X.400 address or EDI party name, which nobody can check');
  }
  const element = reader.element(tag);
  checkStructure(tag, DerReader.of(element));
  return { tag, content: DerReader.of(element).content(tag) };
}

/** Names that we do not compare are still well formed, or two readers of one certificate may differ. */
function checkStructure(tag: number, element: DerReader): void {
  if (tag === GENERAL_NAME.registeredId) decodeOid(element.content(tag));
  else if (tag === GENERAL_NAME.directoryName) {
    const explicit = element.enter(tag);
    readName(explicit);
    explicit.end('directoryName');
  } else if (tag === GENERAL_NAME.otherName) {
    const other = element.enter(tag);
    decodeOid(other.content(TAG.oid));
    const value = other.enter(contextTagConstructed(0));
    other.end('otherName');
    checkWellFormed(value);
  }
}

/** Elements within elements to the last; their contents mean nothing here. */
function checkWellFormed(reader: DerReader): void {
  do {
    const tag = reader.peek();
    if ((tag & 0x20) === 0) reader.anyElement();
    else {
      const inner = reader.enter(tag);
      if (!inner.done) checkWellFormed(inner);
    }
  } while (!reader.done);
}

/** Text of an IA5String (RFC 5280 §4.2.1.6): octets above 7F and NUL are refused, so no reader can see another name. */
export function ia5Text(content: Uint8Array): string {
  for (const octet of content) {
    if (octet === 0 || octet > 0x7f) throw new PkiError('certificate-extension', 'a name is not IA5 text');
  }
  return fromUtf8(content);
}

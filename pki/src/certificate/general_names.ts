import { fromUtf8 } from '../bytes.ts';
import { contextTag, contextTagConstructed } from '../der/tags.ts';
import type { DerReader } from '../der/reader.ts';
import { PkiError } from '../errors.ts';

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

/** Reads one GeneralName as its identifier octet and content; a tag that is no GeneralName is refused. */
export function readGeneralName(reader: DerReader): { tag: number; content: Uint8Array } {
  const tag = reader.peek();
  if (!tags.has(tag)) throw new PkiError('certificate-extension', 'a general name of an unknown kind');
  return { tag, content: reader.content(tag) };
}

/** Text of an IA5String (RFC 5280 §4.2.1.6): octets above 7F and NUL are refused, so no reader can see another name. */
export function ia5Text(content: Uint8Array): string {
  for (const octet of content) {
    if (octet === 0 || octet > 0x7f) throw new PkiError('certificate-extension', 'a name is not IA5 text');
  }
  return fromUtf8(content);
}

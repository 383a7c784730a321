import { DerReader } from '../der/reader.ts';
import { decodeOid } from '../der/oid.ts';
import { contextTag, contextTagConstructed, TAG } from '../der/tags.ts';
import { PkiError } from '../errors.ts';
import { GENERAL_NAME, ia5Text, readGeneralName } from './general_names.ts';

/** Extensions whose meaning this code knows (RFC 5280 §4.2.1). */
export const EXTENSION = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

export interface BasicConstraints {
  readonly ca: boolean;
  readonly pathLength: number | null;
}

/** Subtrees by kind: DNS and mail as written, IP as address and mask. */
export interface Subtrees {
  readonly dns: readonly string[];
  readonly ip: readonly Uint8Array[];
  readonly mail: readonly string[];
}

export interface NameConstraints {
  readonly permitted: Subtrees;
  readonly excluded: Subtrees;
  /** Whether there are subtrees of a kind that no mesh can live with, or that we do not evaluate. */
  readonly uri: boolean;
  readonly directoryName: boolean;
  readonly other: boolean;
}

export interface SubjectAltNames {
  readonly uriSans: readonly string[];
  readonly dnsSans: readonly string[];
  /** 4 or 16 octets each. */
  readonly ipSans: readonly Uint8Array[];
  readonly mailSans: readonly string[];
  /** Whether there is a name of any other kind. */
  readonly otherSans: boolean;
}

/** The value of an extension is DER in an OCTET STRING: one element, and nothing after it. */
function only<T>(value: Uint8Array, what: string, read: (reader: DerReader) => T): T {
  const reader = DerReader.of(value);
  const result = read(reader);
  reader.end(what);
  return result;
}

/** RFC 5280 §4.2.1.9: an absent `cA` is FALSE, an explicit FALSE is not DER, a pathlen stands only beside TRUE. */
export function readBasicConstraints(value: Uint8Array): BasicConstraints {
  return only(value, 'basicConstraints', (outer) => {
    const reader = outer.enter(TAG.sequence);
    const ca = reader.peek() === TAG.boolean;
    if (ca && !reader.boolean()) throw new PkiError('certificate-extension', 'basicConstraints writes its default out');
    const pathLength = ca && reader.peek() === TAG.integer ? reader.smallInteger() : null;
    reader.end('basicConstraints');
    return { ca, pathLength };
  });
}

/** RFC 5280 §4.2.1.3: a mask as in `KEY_USAGE`; at least one bit is set. */
export function readKeyUsage(value: Uint8Array): number {
  return only(value, 'keyUsage', (reader) => {
    const mask = reader.namedBits();
    if (mask === 0) throw new PkiError('certificate-extension', 'keyUsage without a bit');
    return mask;
  });
}

/** RFC 5280 §4.2.1.12: OIDs in dotted form, at least one. */
export function readExtendedKeyUsage(value: Uint8Array): readonly string[] {
  return only(value, 'extendedKeyUsage', (outer) => {
    const reader = outer.enter(TAG.sequence);
    const usages: string[] = [];
    while (!reader.done) usages.push(purpose(reader.content(TAG.oid)));
    if (usages.length === 0) throw new PkiError('certificate-extension', 'extendedKeyUsage without a purpose');
    return usages;
  });
}

/** The id-kp arc 1.3.6.1.5.5.7.3.x without the general decoder: every leaf we lint carries one or two. */
function purpose(content: Uint8Array): string {
  const last = content[7];
  const short =
    content.length === 8 &&
    content[0] === 0x2b &&
    content[1] === 6 &&
    content[2] === 1 &&
    content[3] === 5 &&
    content[4] === 5 &&
    content[5] === 7 &&
    content[6] === 3 &&
    last !== undefined &&
    last < 0x80;
  return short ? `1.3.6.1.5.5.7.3.${last}` : decodeOid(content);
}

export function readSubjectKeyId(value: Uint8Array): Uint8Array {
  return only(value, 'subjectKeyIdentifier', (reader) => reader.content(TAG.octetString));
}

/** RFC 5280 §4.2.1.1. The key identifier, or null if the issuer is only named; then `named` is true. */
export function readAuthorityKeyId(value: Uint8Array): { keyId: Uint8Array | null; named: boolean } {
  return only(value, 'authorityKeyIdentifier', (outer) => {
    const reader = outer.enter(TAG.sequence);
    const keyId = reader.peek() === contextTag(0) ? reader.content(contextTag(0)) : null;
    const named = !reader.done;
    if (reader.peek() === contextTagConstructed(1)) {
      const issuer = reader.enter(contextTagConstructed(1));
      do readGeneralName(issuer);
      while (!issuer.done);
    }
    if (reader.peek() === contextTag(2)) reader.integer(contextTag(2));
    reader.end('authorityKeyIdentifier');
    return { keyId, named };
  });
}

/** RFC 5280 §4.2.1.6: at least one name. */
export function readSubjectAltNames(value: Uint8Array): SubjectAltNames {
  return only(value, 'subjectAltName', (outer) => {
    const reader = outer.enter(TAG.sequence);
    if (reader.done) throw new PkiError('certificate-extension', 'subjectAltName without a name');
    const names = { uriSans: [], dnsSans: [], ipSans: [], mailSans: [], otherSans: false } as {
      uriSans: string[];
      dnsSans: string[];
      ipSans: Uint8Array[];
      mailSans: string[];
      otherSans: boolean;
    };
    while (!reader.done) {
      const { tag, content } = readGeneralName(reader);
      if (tag === GENERAL_NAME.uri) names.uriSans.push(ia5Text(content));
      else if (tag === GENERAL_NAME.dns) names.dnsSans.push(ia5Text(content));
      else if (tag === GENERAL_NAME.mail) names.mailSans.push(ia5Text(content));
      else if (tag === GENERAL_NAME.ip) names.ipSans.push(ipOctets(content, 4));
      else names.otherSans = true;
    }
    return names;
  });
}

/** RFC 5280 §4.2.1.10: at least one of the two lists, neither empty, minimum 0 (absent in DER) and no maximum. */
export function readNameConstraints(value: Uint8Array): NameConstraints {
  return only(value, 'nameConstraints', (outer) => {
    const reader = outer.enter(TAG.sequence);
    const kinds = { uri: false, directoryName: false, other: false };
    if (reader.done) throw new PkiError('certificate-extension', 'nameConstraints without a subtree');
    const permitted = readSubtrees(reader, contextTagConstructed(0), kinds);
    const excluded = readSubtrees(reader, contextTagConstructed(1), kinds);
    reader.end('nameConstraints');
    return { permitted, excluded, ...kinds };
  });
}

function readSubtrees(
  reader: DerReader,
  tag: number,
  kinds: { uri: boolean; directoryName: boolean; other: boolean },
): Subtrees {
  const subtrees = { dns: [] as string[], ip: [] as Uint8Array[], mail: [] as string[] };
  if (reader.peek() !== tag) return subtrees;
  const list = reader.enter(tag);
  if (list.done) throw new PkiError('certificate-extension', 'nameConstraints with an empty list of subtrees');
  while (!list.done) {
    const subtree = list.enter(TAG.sequence);
    const name = readGeneralName(subtree);
    subtree.end('subtree of nameConstraints');
    if (name.tag === GENERAL_NAME.dns) subtrees.dns.push(ia5Text(name.content));
    else if (name.tag === GENERAL_NAME.mail) subtrees.mail.push(ia5Text(name.content));
    else if (name.tag === GENERAL_NAME.ip) subtrees.ip.push(ipOctets(name.content, 8));
    else if (name.tag === GENERAL_NAME.uri) kinds.uri = true;
    else if (name.tag === GENERAL_NAME.directoryName) kinds.directoryName = true;
    else kinds.other = true;
  }
  return subtrees;
}

/** IPv4 or IPv6, `unit` octets for the former and four times that for the latter. */
function ipOctets(content: Uint8Array, unit: number): Uint8Array {
  if (content.length !== unit && content.length !== 4 * unit) {
    throw new PkiError('certificate-extension', `an IP address of ${content.length} octets`);
  }
  return content;
}

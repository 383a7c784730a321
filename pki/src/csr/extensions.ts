import { decodeOid } from '../der/oid.ts';
import { DerReader } from '../der/reader.ts';
import { TAG, contextTag } from '../der/tags.ts';
import { PkiError } from '../errors.ts';
import { KEY_USAGE, EKU_CLIENT_AUTH, EKU_SERVER_AUTH } from '../profiles.ts';

const OID = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** Names a refusal by what was asked for (RFC 5280 §4.2.1.6). */
const GENERAL_NAME = [
  'otherName',
  'rfc822Name',
  'dNSName',
  'x400Address',
  'directoryName',
  'ediPartyName',
  'uniformResourceIdentifier',
  'iPAddress',
  'registeredID',
];
const URI_TAG = contextTag(6);

/** What an SVID has anyway; asking for it is harmless, asking for more is refused. */
const LEAF_KEY_USAGE = KEY_USAGE.digitalSignature | KEY_USAGE.keyEncipherment;

/**
 * Reads the requested extensions: a subjectAltName, critical or not, with one URI; beside it only what repeats the leaf
 * profile. Duplicates and everything else are refused by name.
 *
 * @returns the URI, or null without a subjectAltName
 */
export function readExtensions(extensions: DerReader): string | null {
  const seen: string[] = [];
  let identity: string | null = null;
  if (extensions.done) throw new PkiError('csr-extension', 'extension request without an extension');
  while (!extensions.done) {
    const extension = extensions.enter(TAG.sequence);
    const oid = decodeOid(extension.content(TAG.oid));
    if (seen.includes(oid)) throw new PkiError('csr-extension', `extension ${oid} twice`);
    seen.push(oid);
    if (extension.peek() === TAG.boolean && !extension.boolean()) {
      throw new PkiError('der-value', 'critical FALSE written out, which DER leaves away');
    }
    const value = DerReader.of(extension.content(TAG.octetString));
    extension.end('the extension');
    if (oid === OID.subjectAltName) identity = readSubjectAltName(value.enter(TAG.sequence));
    else if (oid === OID.basicConstraints) checkBasicConstraints(value.enter(TAG.sequence));
    else if (oid === OID.keyUsage) checkKeyUsage(value.namedBits());
    else if (oid === OID.extendedKeyUsage) checkExtendedKeyUsage(value.enter(TAG.sequence));
    else throw new PkiError('csr-extension', `extension ${oid} is not one a workload may ask for`);
    value.end(`extension ${oid}`);
  }
  return identity;
}

function readSubjectAltName(names: DerReader): string {
  const tag = names.peek();
  if (tag !== URI_TAG) {
    throw new PkiError('csr-san', `subjectAltName with ${nameOf(tag)}, expected exactly one URI`);
  }
  const uri = ascii(names.content(URI_TAG));
  if (!names.done) throw new PkiError('csr-san', `subjectAltName with ${nameOf(names.peek())} beside the URI`);
  return uri;
}

/** A URI is an IA5String (RFC 5280 §4.2.1.6). */
function ascii(bytes: Uint8Array): string {
  for (const byte of bytes) {
    if (byte >= 0x80) throw new PkiError('csr-san', 'subjectAltName with a URI that is not ASCII');
  }
  return String.fromCharCode(...bytes);
}

function nameOf(tag: number): string {
  if (tag < 0) return 'no name';
  return GENERAL_NAME[tag & 0x1f] ?? `tag 0x${tag.toString(16)}`;
}

function checkBasicConstraints(constraints: DerReader): void {
  if (!constraints.done) throw new PkiError('csr-ca', 'CSR asks for a CA certificate, or for a path length');
}

function checkKeyUsage(mask: number): void {
  if (mask === 0) throw new PkiError('der-value', 'keyUsage without a bit (RFC 5280 §4.2.1.3)');
  if ((mask & ~LEAF_KEY_USAGE) !== 0) {
    throw new PkiError('csr-key-usage', 'CSR asks for a key usage other than digitalSignature and key encipherment');
  }
}

function checkExtendedKeyUsage(usages: DerReader): void {
  if (usages.done) throw new PkiError('der-value', 'extendedKeyUsage without a purpose');
  const seen: string[] = [];
  while (!usages.done) {
    const oid = decodeOid(usages.content(TAG.oid));
    if (seen.includes(oid)) throw new PkiError('csr-key-usage', `extended key usage ${oid} twice`);
    seen.push(oid);
    if (oid !== EKU_SERVER_AUTH && oid !== EKU_CLIENT_AUTH) {
      throw new PkiError('csr-key-usage', `CSR asks for extended key usage ${oid}`);
    }
  }
}

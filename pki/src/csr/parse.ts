import type { SignatureAlgorithm } from '../crypto/port.ts';
import { decodeOid } from '../der/oid.ts';
import { DerReader } from '../der/reader.ts';
import { TAG, contextTagConstructed } from '../der/tags.ts';
import { PkiError } from '../errors.ts';
import { parsePublicKey, type PublicKeyInfo } from '../public_key.ts';
import { fitsKey, signatureAlgorithmOf } from '../signature_algorithm.ts';
import { checkSubject } from './subject.ts';
import { readExtensions } from './extensions.ts';

/** An RSA-4096 CSR with one SAN has about 1 400 bytes; in base64 it must fit the 8 192 characters of the agent's wire. */
const MAX_CSR_BYTES = 6 * 1024;

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';

/** A certification request (RFC 2986) that asks for nothing but an SVID. All bytes are views into `der`. */
export interface Csr {
  readonly der: Uint8Array;
  /** CertificationRequestInfo as signed. */
  readonly info: Uint8Array;
  readonly spki: Uint8Array;
  readonly publicKey: PublicKeyInfo;
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
  /** True for no RDN at all, as ztunnel sends; false for the `O=""` of pilot-agent. */
  readonly subjectEmpty: boolean;
  /** Text of the one URI SAN, or null; a wish that is compared with the attested identity and never copied. */
  readonly requestedIdentity: string | null;
}

/**
 * Parses a CSR strictly and refuses whatever is not known: the certificate is built from attested facts and takes only
 * the public key from here. Possession of the key is proven separately (`verifyPossession`).
 *
 * @throws PkiError `der-*`, `key-*`, `csr-*`
 */
export function parseCsr(der: Uint8Array): Csr {
  const outer = DerReader.of(der, MAX_CSR_BYTES);
  const request = outer.enter(TAG.sequence);
  outer.end('the CSR');
  const info = request.element(TAG.sequence);
  const algorithmDer = request.element(TAG.sequence);
  const signature = request.octetAlignedBits();
  request.end('CertificationRequest');

  const fields = DerReader.of(info).enter(TAG.sequence);
  if (fields.smallInteger() !== 0) throw new PkiError('csr-version', 'CSR of another version than v1');
  const subjectEmpty = checkSubject(fields.enter(TAG.sequence));
  const spki = fields.element(TAG.sequence);
  const publicKey = parsePublicKey(spki);
  const requestedIdentity = readAttributes(fields.enter(contextTagConstructed(0)));
  fields.end('CertificationRequestInfo');

  const signatureAlgorithm = signatureAlgorithmOf(algorithmDer);
  if (signatureAlgorithm === null || !fitsKey(signatureAlgorithm, publicKey)) {
    throw new PkiError(
      'csr-signature-algorithm',
      'CSR signed by another algorithm than ECDSA or RSA PKCS#1 v1.5 with SHA-256 or SHA-384, or not that of its key',
    );
  }
  return { der, info, spki, publicKey, signatureAlgorithm, signature, subjectEmpty, requestedIdentity };
}

/** RFC 2986 §4.1: at most one attribute, the extension request (RFC 2985 §5.4.2), with exactly one value. */
function readAttributes(attributes: DerReader): string | null {
  if (attributes.done) return null;
  const attribute = attributes.enter(TAG.sequence);
  const oid = decodeOid(attribute.content(TAG.oid));
  if (oid !== EXTENSION_REQUEST)
    throw new PkiError('csr-attribute', `CSR attribute ${oid}, expected an extension request only`);
  const values = attribute.enter(TAG.set);
  attribute.end('the attribute');
  const extensions = values.enter(TAG.sequence);
  if (!values.done || !attributes.done) {
    throw new PkiError('csr-attribute', 'more than one CSR attribute or value, expected one extension request');
  }
  return readExtensions(extensions);
}

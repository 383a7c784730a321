import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { bits, der, extension, oid, pem, sequence, set, text, uriName } from '../der.ts';

export type CsrKey = 'ec-p256' | 'ec-p384' | 'rsa-2048';

export interface Csr {
  pem: string;
  der: Uint8Array;
  key: KeyObject;
  /** PKCS#8 PEM of `key`. */
  keyPem: string;
  spki: Uint8Array;
}

export interface CsrShape {
  key: CsrKey;
  identity: string;
  /** ztunnel: an empty RDNSequence. pilot-agent: one RDN `O=""` (Go writes the empty string as a PrintableString). */
  emptyOrganization: boolean;
  sanCritical: boolean;
}

const SIGNATURE: Record<CsrKey, { hash: string; algorithm: Uint8Array }> = {
  'ec-p256': { hash: 'sha256', algorithm: sequence(oid('1.2.840.10045.4.3.2')) },
  'ec-p384': { hash: 'sha384', algorithm: sequence(oid('1.2.840.10045.4.3.3')) },
  'rsa-2048': { hash: 'sha256', algorithm: sequence(oid('1.2.840.113549.1.1.11'), der(0x05)) },
};

export function generateKey(kind: CsrKey): { privateKey: KeyObject; publicKey: KeyObject } {
  if (kind === 'rsa-2048') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  return generateKeyPairSync('ec', { namedCurve: kind === 'ec-p256' ? 'P-256' : 'P-384' });
}

/** A PKCS#10 request with one attribute, extensionRequest, that holds a SAN with one URI and nothing else (istio-contract §0, A1, B2). */
export function buildCsr(shape: CsrShape, keys = generateKey(shape.key)): Csr {
  const spki = new Uint8Array(keys.publicKey.export({ type: 'spki', format: 'der' }));
  const subject = shape.emptyOrganization ? sequence(set(sequence(oid('2.5.4.10'), text(0x13, '')))) : sequence();
  const san = extension('2.5.29.17', shape.sanCritical, sequence(uriName(shape.identity)));
  const attributes = der(0xa0, sequence(oid('1.2.840.113549.1.9.14'), set(sequence(san))));
  const info = sequence(der(0x02, Uint8Array.of(0)), subject, spki, attributes);
  const { hash, algorithm } = SIGNATURE[shape.key];
  const csr = sequence(info, algorithm, bits(sign(hash, info, keys.privateKey)));
  const keyPem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' });
  return { pem: pem('CERTIFICATE REQUEST', csr), der: csr, key: keys.privateKey, keyPem, spki };
}

/** ztunnel: P-256, ECDSA-SHA256, empty subject, critical URI SAN; a fresh key for every fetch (src/tls/csr.rs CsrOptions::generate). */
export const ztunnelCsr = (identity: string): Csr =>
  buildCsr({ key: 'ec-p256', identity, emptyOrganization: false, sanCritical: true });

/** pilot-agent: RSA-2048 by default, P-256 or P-384 by ECC_SIGNATURE_ALGORITHM and ECC_CURVE (pkg/security/pki/util GenCSRTemplate). */
export const pilotAgentCsr = (identity: string, key: CsrKey = 'rsa-2048'): Csr =>
  buildCsr({ key, identity, emptyOrganization: true, sanCritical: true });

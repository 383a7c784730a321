import { equal, fromHex } from './bytes.ts';
import type { SignatureAlgorithm } from './crypto/port.ts';
import { PkiError } from './errors.ts';
import type { PublicKeyInfo } from './public_key.ts';

interface Entry {
  readonly algorithm: SignatureAlgorithm;
  readonly kind: PublicKeyInfo['kind'];
  /** AlgorithmIdentifier, whole: parameters absent for ECDSA (RFC 5758 §3.2), NULL for RSA (RFC 4055 §5). */
  readonly der: Uint8Array;
}

/** The allow-list, and everything that is to be known of each entry. */
const TABLE: readonly Entry[] = [
  { algorithm: 'ecdsa-sha256', kind: 'ec', der: fromHex('300a06082a8648ce3d040302') },
  { algorithm: 'ecdsa-sha384', kind: 'ec', der: fromHex('300a06082a8648ce3d040303') },
  { algorithm: 'rsa-sha256', kind: 'rsa', der: fromHex('300d06092a864886f70d01010b0500') },
  { algorithm: 'rsa-sha384', kind: 'rsa', der: fromHex('300d06092a864886f70d01010c0500') },
];

/** The algorithm of an AlgorithmIdentifier, or null when it is not on the allow-list or has other parameters. */
export function signatureAlgorithmOf(der: Uint8Array): SignatureAlgorithm | null {
  return TABLE.find((entry) => equal(entry.der, der))?.algorithm ?? null;
}

export function signatureAlgorithmDer(algorithm: SignatureAlgorithm): Uint8Array {
  const entry = TABLE.find((candidate) => candidate.algorithm === algorithm);
  if (entry === undefined) throw new PkiError('key-type', `unknown signature algorithm ${algorithm}`);
  return entry.der;
}

/** Whether a key can have made a signature of this algorithm. */
export function fitsKey(algorithm: SignatureAlgorithm, key: PublicKeyInfo): boolean {
  return TABLE.some((entry) => entry.algorithm === algorithm && entry.kind === key.kind);
}

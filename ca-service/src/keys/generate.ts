import type { KeyUse, Vault } from './vault.ts';

/** A fresh key: usable here without being extractable, and wrapped for the store. */
export interface GeneratedKey {
  /** SubjectPublicKeyInfo, DER */
  spki: Uint8Array<ArrayBuffer>;
  publicKey: CryptoKey;
  privateKey: CryptoKey;
  wrapped: Uint8Array<ArrayBuffer>;
}

export type EcCurve = 'P-256' | 'P-384';

/** Makes a signing key. Its PKCS#8 form exists only between these lines. */
export async function generateSigningKey(vault: Vault, use: KeyUse, namedCurve: EcCurve): Promise<GeneratedKey> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve }, true, ['sign', 'verify']);
  return finish(vault, use, pair as CryptoKeyPair, (pkcs8) => importSigningKey(pkcs8, namedCurve));
}

/** Makes the key that workloads' tokens are sealed to (ECDH). */
export async function generateAgreementKey(vault: Vault, use: KeyUse): Promise<GeneratedKey> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
  return finish(vault, use, pair as CryptoKeyPair, importAgreementKey);
}

export function importSigningKey(pkcs8: Uint8Array<ArrayBuffer>, namedCurve: EcCurve): Promise<CryptoKey> {
  return crypto.subtle.importKey('pkcs8', pkcs8, { name: 'ECDSA', namedCurve }, false, ['sign']);
}

/** Extractable: the Worker, which opens sealed tokens, is given it as a JWK. */
export function importAgreementKey(pkcs8: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey('pkcs8', pkcs8, { name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
}

async function finish(
  vault: Vault,
  use: KeyUse,
  pair: CryptoKeyPair,
  importPrivate: (pkcs8: Uint8Array<ArrayBuffer>) => Promise<CryptoKey>,
): Promise<GeneratedKey> {
  const spki = new Uint8Array((await crypto.subtle.exportKey('spki', pair.publicKey)) as ArrayBuffer);
  const pkcs8 = new Uint8Array((await crypto.subtle.exportKey('pkcs8', pair.privateKey)) as ArrayBuffer);
  const wrapped = await vault.wrap(use, pkcs8);
  const privateKey = await importPrivate(pkcs8);
  pkcs8.fill(0);
  return { spki, publicKey: pair.publicKey, privateKey, wrapped };
}

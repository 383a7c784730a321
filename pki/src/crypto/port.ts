/**
 * Cryptography as pki sees it. The methods may answer a value or a promise: the agent uses node:crypto synchronously,
 * which costs half of WebCrypto there, and the Worker has only WebCrypto. Code above it is written once for both.
 */
export type Awaitable<T> = T | Promise<T>;

/** Key types that this CA generates. */
export type KeyType = 'ec-p256' | 'ec-p384' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096';

/** `rsa-*` is RSASSA-PKCS1-v1_5. SHA-512 and SHA-1 are missing on purpose: ztunnel refuses P-256 and P-384 with SHA-512. */
export type SignatureAlgorithm = 'ecdsa-sha256' | 'ecdsa-sha384' | 'rsa-sha256' | 'rsa-sha384';

export interface CryptoPort {
  sha256(data: Uint8Array): Awaitable<Uint8Array>;

  /**
   * Whether `signature`, in X.509 form (DER for ECDSA), is by the key of `spki` over `data`. False for any bad signature
   * and any key that cannot be decoded or does not fit the algorithm; it never throws for bad input.
   */
  verify(algorithm: SignatureAlgorithm, spki: Uint8Array, data: Uint8Array, signature: Uint8Array): Awaitable<boolean>;

  /** Cryptographically secure random bytes. */
  random(length: number): Uint8Array;
}

/** The same without promises. */
export interface SyncCryptoPort extends CryptoPort {
  sha256(data: Uint8Array): Uint8Array;
  verify(algorithm: SignatureAlgorithm, spki: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean;
}

export interface Signer {
  readonly algorithm: SignatureAlgorithm;
  /** SubjectPublicKeyInfo of the signing key, DER. */
  readonly spki: Uint8Array;
  /** A signature over `data` in X.509 form: DER for ECDSA, the integer for RSA. */
  sign(data: Uint8Array): Awaitable<Uint8Array>;
}

export interface SyncSigner extends Signer {
  sign(data: Uint8Array): Uint8Array;
}

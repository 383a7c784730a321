import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomFillSync,
  sign as nodeSign,
  verify as nodeVerify,
  type KeyObject,
} from 'node:crypto';
import { fitsKey } from '../signature_algorithm.ts';
import { parsePublicKey, type PublicKeyInfo } from '../public_key.ts';
import type { KeyType, SignatureAlgorithm, SyncCryptoPort, SyncSigner } from './port.ts';

const HASH: Record<SignatureAlgorithm, 'sha256' | 'sha384'> = {
  'ecdsa-sha256': 'sha256',
  'ecdsa-sha384': 'sha384',
  'rsa-sha256': 'sha256',
  'rsa-sha384': 'sha384',
};

const GENERATE: Record<KeyType, () => { privateKey: KeyObject }> = {
  'ec-p256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'ec-p384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'rsa-2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'rsa-3072': () => generateKeyPairSync('rsa', { modulusLength: 3072 }),
  'rsa-4096': () => generateKeyPairSync('rsa', { modulusLength: 4096 }),
};

interface PublicKey {
  readonly key: KeyObject;
  readonly info: PublicKeyInfo;
}

/** Random octets drawn at once; a serial takes 16. */
const RANDOM_POOL = 4096;

/**
 * node:crypto, synchronous. A key is imported once for each array that holds an SPKI, and kept as long as that array: an
 * issuer's is ready for its next signature, and a CSR's goes with its CSR. Who alters the array must not keep it.
 */
export function nodeCrypto(): SyncCryptoPort {
  const keys = new WeakMap<Uint8Array, PublicKey>();
  const pool = new Uint8Array(RANDOM_POOL);
  let drawn = RANDOM_POOL;

  function publicKey(spki: Uint8Array): PublicKey {
    const known = keys.get(spki);
    if (known !== undefined) return known;
    const info = parsePublicKey(spki);
    const imported = { info, key: createPublicKey({ key: asBuffer(spki), format: 'der', type: 'spki' }) };
    keys.set(spki, imported);
    return imported;
  }

  return {
    sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
    verify(algorithm, spki, data, signature) {
      try {
        const { key, info } = publicKey(spki);
        return fitsKey(algorithm, info) && nodeVerify(HASH[algorithm], data, key, signature);
      } catch {
        return false;
      }
    },
    random(length) {
      if (length > RANDOM_POOL / 4) return randomFillSync(new Uint8Array(length));
      if (drawn + length > RANDOM_POOL) {
        randomFillSync(pool);
        drawn = 0;
      }
      const bytes = pool.slice(drawn, drawn + length);
      pool.fill(0, drawn, drawn + length);
      drawn += length;
      return bytes;
    },
  };
}

/** A signer with SHA-256, or SHA-384 for a P-384 key, from PKCS#8. */
export function nodeSigner(pkcs8: Uint8Array): SyncSigner {
  return signerOf(createPrivateKey({ key: asBuffer(pkcs8), format: 'der', type: 'pkcs8' }));
}

/** A new key of the type, with its PKCS#8 so that it can be kept. */
export function generateNodeKey(type: KeyType): SyncSigner & { readonly pkcs8: Uint8Array } {
  const { privateKey } = GENERATE[type]();
  const pkcs8 = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }));
  return { ...signerOf(privateKey), pkcs8 };
}

function signerOf(key: KeyObject): SyncSigner {
  const spki = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  const info = parsePublicKey(spki);
  const algorithm: SignatureAlgorithm =
    info.kind === 'rsa' ? 'rsa-sha256' : info.curve === 'P-384' ? 'ecdsa-sha384' : 'ecdsa-sha256';
  return { algorithm, spki, sign: (data) => new Uint8Array(nodeSign(HASH[algorithm], data, key)) };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

import { fitsKey } from '../signature_algorithm.ts';
import { parsePublicKey } from '../public_key.ts';
import { ecdsaDerToRaw, ecdsaRawToDer } from './ecdsa.ts';
import type { CryptoPort, SignatureAlgorithm, Signer } from './port.ts';

/** The part of WebCrypto that is used, so that any implementation of it fits. */
export interface WebCryptoProvider {
  readonly subtle: SubtleCrypto;
  getRandomValues<T extends ArrayBufferView>(array: T): T;
}

interface WebAlgorithm {
  readonly name: 'ECDSA' | 'RSASSA-PKCS1-v1_5';
  readonly hash: 'SHA-256' | 'SHA-384';
}

const ALGORITHMS: Record<SignatureAlgorithm, WebAlgorithm> = {
  'ecdsa-sha256': { name: 'ECDSA', hash: 'SHA-256' },
  'ecdsa-sha384': { name: 'ECDSA', hash: 'SHA-384' },
  'rsa-sha256': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  'rsa-sha384': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' },
};

const COORDINATE = { 'P-256': 32, 'P-384': 48 } as const;

/**
 * WebCrypto, as workerd and Node have it globally. workerd imports no RSA key with an exponent other than 3 and 65537, so that
 * a signature by a key with a greater one is false there; no client of a mesh makes such keys.
 */
export function webCrypto(provider: WebCryptoProvider = crypto as WebCryptoProvider): CryptoPort {
  const { subtle } = provider;
  return {
    async sha256(data) {
      return new Uint8Array(await subtle.digest('SHA-256', own(data)));
    },
    async verify(algorithm, spki, data, signature) {
      try {
        const info = parsePublicKey(spki);
        if (!fitsKey(algorithm, info)) return false;
        const { name, hash } = ALGORITHMS[algorithm];
        const parameters = info.kind === 'ec' ? { name, namedCurve: info.curve } : { name, hash };
        const raw = info.kind === 'ec' ? ecdsaDerToRaw(signature, COORDINATE[info.curve]) : signature;
        const key = await subtle.importKey('spki', own(spki), parameters, false, ['verify']);
        return await subtle.verify({ name, hash }, key, own(raw), own(data));
      } catch {
        return false;
      }
    },
    random: (length) => provider.getRandomValues(new Uint8Array(length)),
  };
}

/** Signs with a CryptoKey, which need not be extractable: SHA-256, or SHA-384 for a P-384 key. */
export function webSigner(key: CryptoKey, spki: Uint8Array, subtle: SubtleCrypto = crypto.subtle): Signer {
  const info = parsePublicKey(spki);
  const algorithm: SignatureAlgorithm =
    info.kind === 'rsa' ? 'rsa-sha256' : info.curve === 'P-384' ? 'ecdsa-sha384' : 'ecdsa-sha256';
  return {
    algorithm,
    spki,
    async sign(data) {
      const signature = new Uint8Array(await subtle.sign(ALGORITHMS[algorithm], key, own(data)));
      return info.kind === 'ec' ? ecdsaRawToDer(signature) : signature;
    },
  };
}

/** WebCrypto's types want a view that is not over shared memory; ours never are. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

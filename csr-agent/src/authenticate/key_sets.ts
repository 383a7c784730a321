import { readFileSync } from 'node:fs';
import { compactVerify, createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet } from 'jose';
import type { KeySetFile } from '../config/options.ts';

/** API servers sign with RS256 or ES256; none and HMAC are not here, so a public key never serves as a secret. */
const ALGORITHMS = ['RS256', 'RS384', 'ES256', 'ES384'];

type KeySet = ReturnType<typeof createLocalJWKSet>;

/** The key sets that verify tokens, by issuer. Nothing is fetched: not by `jku`, not by `x5u`, not by discovery. */
export class KeySets {
  readonly #byIssuer = new Map<string, KeySet>();

  /** @throws Error naming the file that cannot be read or holds what is not a public key */
  constructor(files: readonly KeySetFile[], defaultIssuer: string) {
    const keys = new Map<string, JSONWebKeySet['keys']>();
    for (const { issuer, path } of files) {
      const of = issuer ?? defaultIssuer;
      keys.set(of, [...(keys.get(of) ?? []), ...readKeySet(path)]);
    }
    for (const [issuer, all] of keys) this.#byIssuer.set(issuer, createLocalJWKSet({ keys: all }));
  }

  /** The payload when the signature is by a key of the token's issuer, else why not. */
  async verify(token: string): Promise<{ payload: unknown } | { fault: string }> {
    try {
      const issuer = decodeJwt(token).iss;
      const keys = issuer === undefined ? undefined : this.#byIssuer.get(issuer);
      if (keys === undefined) return { fault: 'issuer that is not trusted' };
      const payload = await verifyByAny(token, keys);
      return { payload: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as unknown };
    } catch (error) {
      return { fault: error instanceof Error ? error.message : 'not a JWT' };
    }
  }
}

/** A token need not name its key (RFC 7515 §4.1.4); then each key that fits its algorithm may be the one. */
async function verifyByAny(token: string, keys: KeySet): Promise<Uint8Array> {
  const options = { algorithms: ALGORITHMS };
  try {
    return (await compactVerify(token, keys, options)).payload;
  } catch (several) {
    if (!(several instanceof errors.JWKSMultipleMatchingKeys)) throw several;
    for await (const key of several) {
      try {
        return (await compactVerify(token, key, options)).payload;
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
      }
    }
    throw new errors.JWSSignatureVerificationFailed('signature by no key of the issuer', { cause: several });
  }
}

function readKeySet(path: string): JSONWebKeySet['keys'] {
  const document = JSON.parse(readFileSync(path, 'utf8')) as { keys?: unknown };
  if (!Array.isArray(document.keys) || document.keys.length === 0)
    throw new Error(`${path}: expected a JWK set with at least one key`);
  for (const key of document.keys as Record<string, unknown>[]) {
    if (key['kty'] !== 'EC' && key['kty'] !== 'RSA')
      throw new Error(`${path}: key of type ${String(key['kty'])}, expected EC or RSA`);
    if ('d' in key) throw new Error(`${path}: holds a private key, expected public ones`);
  }
  return document.keys as JSONWebKeySet['keys'];
}

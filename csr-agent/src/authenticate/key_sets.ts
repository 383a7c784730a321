import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { compactVerify, createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet } from 'jose';
import { isRoca } from '../../../pki/src/roca.ts';
import type { KeySetFile } from '../config/options.ts';
import { watchText } from '../watched_file.ts';

/** API servers sign with RS256 or ES256; none and HMAC are not here, so a public key never serves as a secret. */
const ALGORITHMS = ['RS256', 'RS384', 'ES256', 'ES384'];

const MIN_RSA_BITS = 2048;
const MIN_RSA_EXPONENT = 65537n;

type KeySet = ReturnType<typeof createLocalJWKSet>;

export interface KeySetEvents {
  loaded(path: string, keys: number): void;
  /** A changed file could not be taken; its last good keys stay. */
  failed(path: string, error: Error): void;
}

/**
 * The key sets that verify tokens, by issuer. Nothing is fetched: not by `jku`, not by `x5u`, not by discovery. Files are
 * read again when they change, so that a cluster may change its keys.
 */
export class KeySets {
  readonly #files: { readonly issuer: string; keys: JSONWebKeySet['keys']; readonly close: () => void }[] = [];
  #byIssuer: ReadonlyMap<string, KeySet> = new Map();
  #revision = 0;

  /** @throws Error naming the file that cannot be read or holds what is not a public key */
  constructor(files: readonly KeySetFile[], defaultIssuer: string, events?: KeySetEvents) {
    for (const { issuer, path } of files) {
      const watch = watchText(path, {
        changed: (text) => {
          file.keys = parseKeySet(path, text);
          this.#index();
          events?.loaded(path, file.keys.length);
        },
        failed: (error) => events?.failed(path, error),
      });
      const file = {
        issuer: issuer ?? defaultIssuer,
        keys: parseKeySet(path, readFileSync(path, 'utf8')),
        close: () => watch.close(),
      };
      this.#files.push(file);
      events?.loaded(path, file.keys.length);
    }
    this.#index();
  }

  /** Grows with each change: a verdict by an older one does not count any more. */
  get revision(): number {
    return this.#revision;
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  #index(): void {
    const byIssuer = new Map<string, JSONWebKeySet['keys']>();
    for (const { issuer, keys } of this.#files) byIssuer.set(issuer, [...(byIssuer.get(issuer) ?? []), ...keys]);
    this.#byIssuer = new Map([...byIssuer].map(([issuer, keys]) => [issuer, createLocalJWKSet({ keys })]));
    this.#revision++;
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
export async function verifyByAny(token: string, keys: KeySet): Promise<Uint8Array> {
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

/** @throws Error when it is not a set of public keys */
export function parseKeySet(path: string, text: string): JSONWebKeySet['keys'] {
  const document = parseJson(path, text) as { keys?: unknown } | null;
  if (!Array.isArray(document?.keys) || document.keys.length === 0) {
    throw new Error(`${path}: expected a JWK set with at least one key`);
  }
  for (const key of document.keys as (Record<string, unknown> | null)[]) {
    if (key?.['kty'] !== 'EC' && key?.['kty'] !== 'RSA') {
      throw new Error(`${path}: key of type ${String(key?.['kty'])}, expected EC or RSA`);
    }
    const fault = keyFault(key);
    if (fault !== null) throw new Error(`${path}: key ${JSON.stringify(key['kid'] ?? null)}: ${fault}`);
    if ('d' in key) throw new Error(`${path}: holds a private key, expected public ones`);
  }
  return document.keys as JSONWebKeySet['keys'];
}

/** Why a key must not verify tokens; null for a sound one. A set of public keys may hold keys for other uses, which jose passes over. */
function keyFault(key: Record<string, unknown>): string | null {
  let details;
  try {
    details = createPublicKey({ key, format: 'jwk' }).asymmetricKeyDetails ?? {};
  } catch (error) {
    return `not a public key: ${(error as Error).message}`;
  }
  if (key['kty'] === 'EC') return null;
  const { modulusLength = 0, publicExponent = 0n } = details;
  if (modulusLength < MIN_RSA_BITS) return `RSA of ${modulusLength} bits, expected at least ${MIN_RSA_BITS}`;
  if (publicExponent < MIN_RSA_EXPONENT) return `RSA exponent ${publicExponent}, expected at least ${MIN_RSA_EXPONENT}`;
  return isRoca(Buffer.from(String(key['n']), 'base64url'))
    ? 'RSA modulus that a faulty chip made (ROCA) and others can factor; the issuer needs a new key'
    : null;
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path}: not JSON`, { cause });
  }
}

import { importJWK } from 'jose';
import type { KeySet, TokenKey } from '../objects/rpc.ts';

/** Algorithms of service-account tokens, and the only keys that each may be checked with. `none` and HMAC are not there. */
const ALGORITHMS: Readonly<Record<string, { kty: TokenKey['kty']; crv?: string }>> = {
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
};

/** Keys tried for one token without a `kid`. */
const MAX_CANDIDATES = 8;

/** The enrolled key sets of a cluster. A key counts only for tokens of the issuer it was enrolled for. */
export class VerificationKeys {
  readonly #sets: readonly KeySet[];
  readonly #imported = new Map<string, CryptoKey>();

  constructor(sets: readonly KeySet[]) {
    this.#sets = sets;
  }

  knows(issuer: string): boolean {
    return this.#sets.some((set) => set.issuer === issuer);
  }

  /** Keys that may have signed: right issuer, kind and, where both name one, `kid`. Empty for an algorithm not listed. */
  async candidates(issuer: string, alg: string, kid: string | undefined): Promise<CryptoKey[]> {
    const kind = Object.hasOwn(ALGORITHMS, alg) ? ALGORITHMS[alg] : undefined;
    if (kind === undefined) return [];
    const found: Promise<CryptoKey>[] = [];
    for (const [setIndex, set] of this.#sets.entries()) {
      if (set.issuer !== issuer) continue;
      for (const [keyIndex, key] of set.keys.entries()) {
        const fits =
          key.kty === kind.kty &&
          (kind.crv === undefined || key.crv === kind.crv) &&
          (key.alg === undefined || key.alg === alg) &&
          (kid === undefined || key.kid === undefined || key.kid === kid);
        if (fits) found.push(this.#import(`${alg}/${setIndex}/${keyIndex}`, key, alg));
      }
    }
    return Promise.all(found.slice(0, MAX_CANDIDATES));
  }

  async #import(name: string, key: TokenKey, alg: string): Promise<CryptoKey> {
    const known = this.#imported.get(name);
    if (known !== undefined) return known;
    const imported = await importJWK({ ...key }, alg);
    if (imported instanceof Uint8Array) throw new TypeError('an enrolled key is symmetric');
    this.#imported.set(name, imported);
    return imported;
  }
}

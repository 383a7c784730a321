import { toBase64Url, utf8 } from '../../../pki/src/bytes.ts';
import type { CryptoPort } from '../../../pki/src/crypto/port.ts';
import type { Caller } from '../client/protocol.ts';
import { openToken } from '../client/sealed_token.ts';
import { WireError } from '../client/wire_error.ts';
import { BoundedMap } from '../lookup/bounded_map.ts';
import type { ClusterView } from '../lookup/clusters.ts';
import { Refusal } from './refusal.ts';
import { type TokenFacts, verifyToken } from './token.ts';

/** What is known of a caller: its token's facts, why its token is refused, or that the token has to be sent. */
export type CallerEvidence = TokenFacts | Refusal | 'token-needed';

/** Tokens remembered by an isolate, about 1 KiB each. A forgotten one is asked for again. */
const MAX_CACHED = 16_384;

/**
 * Tokens of callers, verified once for each configuration of the cluster and known by their hash afterwards. The epoch
 * is part of the key, so a key set that is changed or a cluster that is disabled forgets what it vouched for.
 */
export class CallerTokens {
  readonly #crypto: Pick<CryptoPort, 'sha256'>;
  readonly #verified: BoundedMap<TokenFacts>;

  constructor(crypto: Pick<CryptoPort, 'sha256'>, maximum = MAX_CACHED) {
    this.#crypto = crypto;
    this.#verified = new BoundedMap(maximum);
  }

  async evidence({ tokenHash, token }: Caller, cluster: ClusterView): Promise<CallerEvidence> {
    const key = `${cluster.objectId}/${cluster.snapshot.epoch}/${tokenHash}`;
    const known = this.#verified.get(key);
    if (known !== undefined) return known;
    if (token === undefined) return 'token-needed';
    try {
      const opened = await openToken(token, cluster.snapshot.evidence);
      if (toBase64Url(await this.#crypto.sha256(utf8(opened))) !== tokenHash) {
        return new Refusal('token-invalid', 'the token is not the one whose hash was sent');
      }
      const facts = await verifyToken(opened, cluster.keys);
      if (!facts.audiences.includes(cluster.snapshot.tokenAudience)) {
        return new Refusal('token-invalid', `the token: its audience is not ${cluster.snapshot.tokenAudience}`);
      }
      this.#verified.set(key, facts);
      return facts;
    } catch (error) {
      if (error instanceof Refusal) return error;
      // Sealed to a key that is no longer the cluster's, or spoilt on the way: not the caller's fault, so it is asked for again.
      if (error instanceof WireError) return 'token-needed';
      throw error;
    }
  }

  get size(): number {
    return this.#verified.size;
  }
}

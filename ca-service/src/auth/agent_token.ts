import { toBase64Url, utf8 } from '../../../pki/src/bytes.ts';
import type { CryptoPort } from '../../../pki/src/crypto/port.ts';
import { thumbprintUrn } from '../client/agent_key.ts';
import { CaError } from '../errors.ts';
import { Refusal } from '../evidence/refusal.ts';
import { checkTimes, type TokenFacts, verifyToken } from '../evidence/token.ts';
import { BoundedMap } from '../lookup/bounded_map.ts';
import type { ClusterView } from '../lookup/clusters.ts';

/** The agent as its token names it. */
export interface AgentIdentity {
  /** `namespace/service-account` */
  account: string;
  podName: string;
  podUid: string;
  /** Empty where the API server does not state the node. */
  node: string;
}

/** ms. The agent asks for 10 minutes; a token that lives much longer was not made for this. */
const MAX_LIFE = 3_600_000;
const MAX_CACHED = 1_024;

/**
 * Verifies agents' tokens, each once per configuration: a service-account token for exactly two audiences, this CA and
 * the thumbprint of the key that signs the request (RFC 9278), of the enrolled agent account and bound to a pod.
 */
export class AgentTokens {
  readonly #crypto: Pick<CryptoPort, 'sha256'>;
  readonly #caUrl: string;
  readonly #verified = new BoundedMap<TokenFacts>(MAX_CACHED);

  constructor(crypto: Pick<CryptoPort, 'sha256'>, caUrl: string) {
    this.#crypto = crypto;
    this.#caUrl = caUrl;
  }

  /** Throws CaError `agent-token`; its detail says which claim is wrong, never more. */
  async identify(token: string, thumbprint: string, cluster: ClusterView, now: number): Promise<AgentIdentity> {
    const facts = await this.#facts(token, cluster);
    try {
      checkTimes(facts, now);
    } catch (error) {
      throw refused(error);
    }
    const expected = [this.#caUrl, thumbprintUrn(thumbprint)];
    const { audiences, pod } = facts;
    if (audiences.length !== 2 || !expected.every((audience) => audiences.includes(audience))) {
      throw new CaError(
        'agent-token',
        'its audiences are not exactly the URL of this CA and the thumbprint of the key',
      );
    }
    if (facts.issuedAt === 0 || facts.expiresAt - facts.issuedAt > MAX_LIFE) {
      throw new CaError('agent-token', 'it lives longer than an hour, or does not say since when');
    }
    const account = `${facts.namespace}/${facts.serviceAccount}`;
    if (account !== cluster.snapshot.agentAccount) {
      throw new CaError('agent-token', 'its account is not the enrolled agent account');
    }
    if (pod === null) throw new CaError('agent-token', 'it is not bound to a pod');
    return { account, podName: pod.name, podUid: pod.uid, node: facts.node ?? '' };
  }

  async #facts(token: string, { objectId, snapshot, keys }: ClusterView): Promise<TokenFacts> {
    const hash = toBase64Url(await this.#crypto.sha256(utf8(token)));
    const key = `${objectId}/${snapshot.epoch}/${hash}`;
    const known = this.#verified.get(key);
    if (known !== undefined) return known;
    try {
      const facts = await verifyToken(token, keys);
      this.#verified.set(key, facts);
      return facts;
    } catch (error) {
      throw refused(error);
    }
  }
}

function refused(error: unknown): unknown {
  return error instanceof Refusal ? new CaError('agent-token', error.message, { cause: error }) : error;
}

import type { CryptoPort } from '../../../pki/src/crypto/port.ts';
import { AGENT_KEY_HEADER } from '../client/agent_key.ts';
import { parseRequestSignature, verifyRequest } from '../client/message_signature.ts';
import { WireError } from '../client/wire_error.ts';
import { CaError } from '../errors.ts';
import { MAX_TOKEN } from '../evidence/token.ts';
import type { ClusterView } from '../lookup/clusters.ts';
import { AgentKeys } from './agent_keys.ts';
import { type AgentIdentity, AgentTokens } from './agent_token.ts';
import { bearerOf } from './bearer.ts';

/** An agent's request whose signature holds. The body is still to be compared with `contentDigest`. */
export interface AgentRequest {
  agent: AgentIdentity & { keyThumbprint: string };
  /** base64; answers are bound to it */
  requestSignature: string;
  nonce: string;
  /** s since 1970, as signed */
  created: number;
  contentDigest: string | null;
}

/**
 * Authenticates a request of an agent: its key, the token bound to that key, and the signature over method, target,
 * digest and token (RFC 9421), in this order, before a byte of the body is read. Freshness and nonces are judged by the
 * cluster's object, which alone sees every request.
 */
export class AgentAuthenticator {
  readonly #keys: AgentKeys;
  readonly #tokens: AgentTokens;
  readonly #caUrl: string;

  constructor(crypto: Pick<CryptoPort, 'sha256'>, caUrl: string) {
    this.#keys = new AgentKeys(crypto);
    this.#tokens = new AgentTokens(crypto, caUrl);
    this.#caUrl = caUrl;
  }

  /** Throws CaError `agent-token` or `agent-signature`. `path` is the canonical path of the request. */
  async authenticate(request: Request, path: string, cluster: ClusterView, now: number): Promise<AgentRequest> {
    const { headers } = request;
    const authorization = headers.get('authorization');
    const token = bearerOf(authorization);
    if (authorization === null || token === null || token.length > MAX_TOKEN) {
      throw new CaError('agent-token', 'expected one bearer token');
    }
    try {
      const key = await this.#keys.verifier(headers.get(AGENT_KEY_HEADER));
      const parsed = parseRequestSignature(headers.get('signature-input'), headers.get('signature'));
      if (parsed.params.keyid !== key.thumbprint) {
        throw new CaError('agent-signature', 'keyid is not the thumbprint of the key in the request');
      }
      const agent = await this.#tokens.identify(token, key.thumbprint, cluster, now);
      const contentDigest = headers.get('content-digest');
      const message = {
        method: request.method,
        targetUri: this.#caUrl + path,
        contentDigest: contentDigest ?? '',
        authorization,
      };
      await verifyRequest(message, parsed, key.verify);
      return {
        agent: { ...agent, keyThumbprint: key.thumbprint },
        requestSignature: parsed.signatureText,
        nonce: parsed.params.nonce,
        created: parsed.params.created,
        contentDigest,
      };
    } catch (error) {
      if (error instanceof WireError) throw new CaError('agent-signature', error.message, { cause: error });
      throw error;
    }
  }
}

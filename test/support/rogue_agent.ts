import { readFileSync } from 'node:fs';
import { AGENT_KEY_HEADER } from '../../ca-service/src/client/agent_key.ts';
import { contentDigest } from '../../ca-service/src/client/content_digest.ts';
import { formatNonce, NO_BOOT, signRequest } from '../../ca-service/src/client/message_signature.ts';
import { clusterPath } from '../../ca-service/src/client/protocol.ts';
import { makeAgentKey } from '../../csr-agent/src/edge/agent_key.ts';
import { localTokenSource } from '../../csr-agent/src/token_source/local.ts';
import { nodeCrypto } from '../../pki/src/crypto/node.ts';
import { commandOf } from './agent_process.ts';
import type { Dev } from './dev.ts';

const crypto = nodeCrypto();

/** Whoever has taken over an agent: its requests are properly signed, and whatever it likes is in them. */
export class RogueAgent {
  readonly #dev: Dev;
  readonly #key = makeAgentKey();
  readonly #flags: readonly string[];

  constructor(dev: Dev) {
    this.#dev = dev;
    this.#flags = commandOf(dev.info.agent.pid).args;
  }

  /** @param leaf the last part of the route, as in `certificates` */
  path(leaf: string): string {
    return `${clusterPath(this.#dev.info.trustDomain, this.#dev.info.cluster)}/${leaf}`;
  }

  /** Headers that make a POST of this body one of the agent. */
  async headers(path: string, body: Uint8Array): Promise<Record<string, string>> {
    const { url } = this.#dev.info.ca;
    const { token } = await this.#tokens().token([url, this.#key.audience], 600);
    const authorization = `Bearer ${token}`;
    const digest = await contentDigest(crypto, body);
    const { signatureText: _, ...signature } = await signRequest(
      { method: 'POST', targetUri: url + path, contentDigest: digest, authorization },
      {
        created: Math.floor(Date.now() / 1_000),
        nonce: formatNonce(NO_BOOT, crypto.random(16)),
        keyid: this.#key.thumbprint,
      },
      this.#key.sign,
    );
    return {
      authorization,
      [AGENT_KEY_HEADER]: this.#key.header,
      'content-digest': digest,
      'content-type': 'application/json',
      ...signature,
    };
  }

  #tokens() {
    const [namespace = '', name = '', uid = ''] = this.#flag('agent-pod').split('/');
    return localTokenSource({
      keyPem: readFileSync(this.#flag('agent-token-key'), 'utf8'),
      issuer: this.#flag('token-issuer'),
      account: this.#flag('agent-account'),
      pod: { namespace, name, uid },
      node: this.#flag('node'),
      now: Date.now,
    });
  }

  #flag(name: string): string {
    const flag = this.#flags.find((each) => each.startsWith(`--${name}=`));
    if (flag === undefined) throw new Error(`the agent was started without --${name}`);
    return flag.slice(name.length + 3);
  }
}

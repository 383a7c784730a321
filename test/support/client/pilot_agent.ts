import { Channel, CREATE_CERTIFICATE, GrpcError, type ChannelOptions } from '../wire/channel.ts';
import { decodeResponse, encodeRequest } from '../wire/protobuf.ts';
import { pilotAgentCsr, type Csr, type CsrKey } from './csr.ts';
import { readPilotReply } from './reply.ts';

export interface PilotAgentOptions extends ChannelOptions {
  token: () => string;
  clusterId: string;
  key?: CsrKey;
  /** Waits between two tries; passed in so that a test need not wait. */
  sleep?: (ms: number) => Promise<void>;
}

/** Canceled, DeadlineExceeded, ResourceExhausted, Aborted, Internal, Unavailable (pkg/security/retry.go CARetryOptions). */
const RETRIED = new Set([-1, 1, 4, 8, 10, 13, 14]);
const TRIES = 5;

/** pilot-agent's Citadel client (security/pkg/nodeagent/caclient/providers/citadel/client.go): TLS 1.2 or later, trimmed token, Struct always sent. */
export class PilotAgent {
  readonly channel: Channel;
  readonly #options: PilotAgentOptions;
  tries = 0;

  constructor(options: PilotAgentOptions) {
    this.#options = options;
    this.channel = new Channel({ minVersion: 'TLSv1.2', ...options });
  }

  /** @throws GrpcError after the last try, ReplyError */
  async csrSign(identity: string): Promise<{ csr: Csr; chain: string[]; certChainPem: string; rootPem: string }> {
    const csr = pilotAgentCsr(identity, this.#options.key);
    const request = encodeRequest({ csr: csr.pem, validityDuration: 86_400, metadata: { CertSigner: '' } });
    const headers = { authorization: `Bearer ${this.#options.token().trim()}`, clusterid: this.#options.clusterId };
    for (let tried = 1; ; tried++) {
      this.tries = tried;
      try {
        const chain = decodeResponse(await this.channel.unary(CREATE_CERTIFICATE, headers, request));
        return { csr, chain, ...readPilotReply(chain) };
      } catch (error) {
        // Whatever failed, the next try dials anew and reads the roots again (client.go reconnect).
        this.channel.close();
        if (!(error instanceof GrpcError) || !RETRIED.has(error.code) || tried === TRIES) throw error;
        await (this.#options.sleep ?? defaultSleep)(100 * 2 ** (tried - 1));
      }
    }
  }

  close(): void {
    this.channel.close();
  }
}

const defaultSleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

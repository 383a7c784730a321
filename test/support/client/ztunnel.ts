import { Channel, CREATE_CERTIFICATE, type ChannelOptions } from '../wire/channel.ts';
import { decodeResponse, encodeRequest } from '../wire/protobuf.ts';
import { ztunnelCsr } from './csr.ts';
import { readReply, type WorkloadCertificate } from './reply.ts';

/** ztunnel offers TLS 1.3 with the two AES-GCM suites; P-256 and P-384 are what every build of it has in common (istio-contract §A3). */
export const ZTUNNEL_TLS = {
  minVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256',
} as const;

/** SECRET_TTL's default, 24 h, in seconds. */
export const SECRET_TTL = 86_400;

export interface ZtunnelOptions extends ChannelOptions {
  /** `shared`: one per node, asks for others by ImpersonatedIdentity and checks the SAN. `dedicated`: one workload, no metadata, no check. */
  mode: 'shared' | 'dedicated';
  /** Read for each RPC, as the token file is (AuthSource::insert_headers); `undefined` sends no headers at all (AuthSource::None). */
  token: () => string | undefined;
  clusterId: string;
  /** Seconds. */
  secretTtl?: number;
  /** CA_HEADER_<K>, lower-cased. */
  caHeaders?: Readonly<Record<string, string>>;
}

/** ztunnel's CaClient (src/identity/caclient.rs): one request, no deadline, no retry. */
export class Ztunnel {
  readonly channel: Channel;
  readonly #options: ZtunnelOptions;

  constructor(options: ZtunnelOptions) {
    this.#options = options;
    this.channel = new Channel({ ...ZTUNNEL_TLS, ...options });
  }

  headers(): Record<string, string> {
    const token = this.#options.token();
    if (token === undefined) return { ...this.#options.caHeaders };
    return { authorization: `Bearer ${token}`, clusterid: this.#options.clusterId, ...this.#options.caHeaders };
  }

  /** The reply as it came, for a test that looks at its form. */
  async fetchChain(identity: string, csrPem: string, signal?: AbortSignal): Promise<string[]> {
    const shared = this.#options.mode === 'shared';
    const request = encodeRequest({
      csr: csrPem,
      validityDuration: this.#options.secretTtl ?? SECRET_TTL,
      metadata: shared ? { ImpersonatedIdentity: identity } : undefined,
    });
    return decodeResponse(await this.channel.unary(CREATE_CERTIFICATE, this.headers(), request, signal));
  }

  /** @throws GrpcError, ReplyError */
  async fetchCertificate(identity: string, signal?: AbortSignal): Promise<WorkloadCertificate> {
    const csr = ztunnelCsr(identity);
    const chain = await this.fetchChain(identity, csr.pem, signal);
    return readReply(chain, csr.key, this.#options.mode === 'shared' ? identity : undefined);
  }

  close(): void {
    this.channel.close();
  }
}

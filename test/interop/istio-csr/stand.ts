import { createPrivateKey, type KeyObject } from 'node:crypto';
import { encodePem } from '../../../pki/src/pem.ts';
import { csrOf, extensionRequest, key, san, uri, type Parts } from '../../pki/csr/samples.ts';
import { Dev, nodePods } from '../../support/dev.ts';
import { signToken, tokenClaims, type Pod } from '../../support/token.ts';
import { Channel, CREATE_CERTIFICATE, type ChannelOptions } from '../../support/wire/channel.ts';
import { decodeResponse, encodeRequest } from '../../support/wire/protobuf.ts';
import { outcomeOf, type Outcome } from './row.ts';

const here = nodePods('node-1', ['a', 'c']);
const elsewhere = nodePods('node-2', ['a', 'b']);
const [A, C] = here.pods as [Pod, Pod];
const B = elsewhere.pods[1] as Pod;

/** Pods as in istio-csr's tests: a ztunnel, one workload on its node only, one on both, one on another node only. */
export const PODS = { ztunnel: here.ztunnel, a: A, c: C, b: B } as const;

export const identityOf = ({ namespace, serviceAccount }: Pick<Pod, 'namespace' | 'serviceAccount'>): string =>
  `spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`;

export interface Ask {
  /** The pod whose token it is; null asks without one, a text is sent as the token. */
  readonly as: Pod | string | null;
  readonly csr?: string;
  readonly impersonate?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly seconds?: number;
  readonly clientCertificate?: ChannelOptions['clientCertificate'];
}

/** A CSR for these identities, with further extensions, PEM. */
export const csrFor = (identities: readonly string[], ...extensions: Uint8Array[]): string =>
  csrPem({ attributes: [extensionRequest(san(...identities.map(uri)), ...extensions)] });

export const csrPem = (parts: Parts): string => encodePem('CERTIFICATE REQUEST', csrOf(parts));

/** The private key of every CSR here. */
export const csrKey = (): KeyObject => createPrivateKey({ key: Buffer.from(key.pkcs8), format: 'der', type: 'pkcs8' });

/** The real agent and the real CA, as `npm start` brings them up. */
export class Stand {
  readonly dev: Dev;
  readonly #channel: Channel;

  private constructor(dev: Dev) {
    this.dev = dev;
    this.#channel = new Channel(dev.address);
  }

  static async start(): Promise<Stand> {
    return new Stand(await Dev.start({ pods: [here.ztunnel, A, C, elsewhere.ztunnel, ...elsewhere.pods] }));
  }

  async stop(): Promise<void> {
    this.#channel.close();
    await this.dev.stop();
  }

  /** A token of this pod whose claims are changed. */
  token(pod: Pod, change: Readonly<Record<string, unknown>> = {}): string {
    return signToken(this.dev.issuer, { ...tokenClaims(this.dev.issuer, pod, Date.now()), ...change });
  }

  async ask({ as, csr, impersonate, headers, seconds = 86_400, clientCertificate }: Ask): Promise<Outcome> {
    const token = as === null || typeof as === 'string' ? as : this.token(as);
    const own = as === null || typeof as === 'string' ? identityOf(PODS.a) : identityOf(as);
    const message = encodeRequest({
      csr: csr ?? csrFor([impersonate ?? own]),
      validityDuration: seconds,
      metadata: impersonate === undefined ? undefined : { ImpersonatedIdentity: impersonate },
    });
    const sent = {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      clusterid: this.dev.info.clusterId,
      ...headers,
    };
    const channel =
      clientCertificate === undefined ? this.#channel : new Channel({ ...this.dev.address, clientCertificate });
    try {
      return await outcomeOf(channel.unary(CREATE_CERTIFICATE, sent, message).then(decodeResponse));
    } finally {
      if (channel !== this.#channel) channel.close();
    }
  }
}

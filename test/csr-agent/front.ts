import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK } from 'jose';
import { KeySets } from '../../csr-agent/src/authenticate/key_sets.ts';
import { TokenAuthenticator } from '../../csr-agent/src/authenticate/token.ts';
import { Authorizer } from '../../csr-agent/src/authorize/impersonation.ts';
import { AgentServer } from '../../csr-agent/src/grpc/server.ts';
import type { CallObserver } from '../../csr-agent/src/observe.ts';
import { Pipeline, type CallReport } from '../../csr-agent/src/pipeline.ts';
import { PodSnapshot } from '../../csr-agent/src/pods/index.ts';
import type { CertificateSigner, PodRef, SigningRequest } from '../../csr-agent/src/steps.ts';
import type { TokenIssuer } from '../support/token.ts';
import { toyCa, toyLeaf, type ToyIssuer } from '../support/toy/authority.ts';

export const SERVER_NAME = 'ambient-ca-agent.ambient-ca.svc';
export const ISSUER = 'https://kubernetes.default.svc';

const pod = (namespace: string, name: string, serviceAccount: string, node: string): PodRef => ({
  namespace,
  name,
  uid: `uid-${namespace}-${name}`,
  serviceAccount,
  node,
});

export const PODS = {
  ztunnelA: pod('istio-system', 'ztunnel-a', 'ztunnel', 'node-a'),
  ztunnelB: pod('istio-system', 'ztunnel-b', 'ztunnel', 'node-b'),
  productpage: pod('bookinfo', 'productpage-1', 'productpage', 'node-a'),
  reviews: pod('bookinfo', 'reviews-1', 'reviews', 'node-b'),
} as const;

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** The API server's token issuer. */
export const tokenIssuer: TokenIssuer = {
  issuer: ISSUER,
  audience: 'istio-ca',
  keyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  alg: 'ES256',
};

const hour = 3_600_000;
const life = () => ({ notBefore: Date.now() - hour, notAfter: Date.now() + hour });

/** A signer that answers what a test tells it, and remembers what it was asked. */
class FakeSigner implements CertificateSigner {
  readonly asked: SigningRequest[] = [];
  answer: CertificateSigner['sign'] = () =>
    Promise.resolve({
      ok: true,
      chain: ['leaf\n', 'root\n'],
      serial: '0a',
      notAfter: Date.now() + hour,
      issuer: 'i-1',
    });

  sign(request: SigningRequest): ReturnType<CertificateSigner['sign']> {
    this.asked.push(request);
    return this.answer(request);
  }
}

export interface Front {
  readonly port: number;
  readonly roots: string;
  readonly signer: FakeSigner;
  readonly reports: CallReport[];
  /** Path and status of each call that no handler saw. */
  readonly unhandled: string[];
  readonly server: AgentServer;
  certificate(): { keyPem: string; certPem: string };
  setPods(pods: readonly PodRef[]): void;
}

export interface FrontOptions {
  readonly minTls?: '1.2' | '1.3';
  readonly maxConnections?: number;
  readonly now?: () => number;
  /** `<namespace>/<service account>` of those who may ask for others. */
  readonly trustedNodeAccounts?: readonly string[];
  /** Signs in place of the one that answers what a test tells it. */
  readonly behind?: CertificateSigner;
}

/** The gRPC front with real authentication and authorization, and no CA behind it unless one is given. */
export async function startFront(options: FrontOptions = {}): Promise<Front> {
  const { minTls = '1.3', maxConnections = 2_048, now = Date.now } = options;
  const { trustedNodeAccounts = ['istio-system/ztunnel'] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'front-'));
  const jwks = join(folder, 'jwks.json');
  writeFileSync(jwks, JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), alg: 'ES256' }] }));
  let pods = new PodSnapshot(Object.values(PODS));
  const index = {
    get synced() {
      return pods.synced;
    },
    byUid: (uid: string) => pods.byUid(uid),
    onNode: (node: string, namespace: string, account: string) => pods.onNode(node, namespace, account),
  };
  const keySets = new KeySets([{ issuer: null, path: jwks }], ISSUER);
  const root = toyCa('root', life());
  const certificate = () => servingCertificate(root);
  const signer = new FakeSigner();
  const reports: CallReport[] = [];
  const unhandled: string[] = [];
  const observer: CallObserver = {
    crowded: () => void unhandled.push('crowded'),
    unhandled: (path, _peer, code) => void unhandled.push(`${path} ${code}`),
    begin: () => ({
      end: (report) => void reports.push(report),
      fault: (error) => {
        throw error;
      },
    }),
  };
  const pipeline = new Pipeline({
    authenticator: new TokenAuthenticator({ keySets, pods: index, audience: 'istio-ca', now }),
    authorizer: new Authorizer({ trustDomain: 'cluster.local', trustedNodeAccounts, pods: index }),
    clusterId: 'Kubernetes',
    signer: options.behind ?? signer,
  });
  const server = new AgentServer({ pipeline, observer, certificate: certificate(), minTls, maxConnections, now });
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    port,
    roots: root.pem,
    signer,
    reports,
    unhandled,
    server,
    certificate,
    setPods: (list) => void (pods = new PodSnapshot(list)),
  };
}

function servingCertificate(root: ToyIssuer): { keyPem: string; certPem: string } {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = new Uint8Array(key.publicKey.export({ type: 'spki', format: 'der' }));
  return {
    keyPem: key.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    certPem: toyLeaf(root, spki, { dns: [SERVER_NAME] }, life()),
  };
}

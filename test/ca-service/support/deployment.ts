import { env } from 'cloudflare:workers';
import { toBase64Url } from '../../../pki/src/bytes.ts';
import type {
  Actor,
  CaFailure,
  ClusterConfigInput,
  ClusterInfo,
  ClusterIssuerRpc,
  DirectoryRpc,
  Remote,
  RootInfo,
  Rpc,
  TokenKey,
  TrustDomainRpc,
} from '../../../ca-service/src/objects/rpc.ts';

/** Whoever administers in a test. */
export const ADMIN: Actor = { id: 'admin-1', name: 'ada', role: 'admin' };
const TOKEN_ISSUER = 'https://kubernetes.default.svc';

interface EnrolledCluster {
  info: ClusterInfo;
  issuer: Remote<ClusterIssuerRpc>;
  stub: DurableObjectStub;
}

/** A trust domain of the file's one deployment, with a root. */
export interface TestDomain {
  name: string;
  rpc: Remote<TrustDomainRpc>;
  stub: DurableObjectStub;
  root: RootInfo;
  enrol: (change?: Partial<ClusterConfigInput>) => Promise<EnrolledCluster>;
}

let counter = 0;

/** A name that no other test of the file has. */
export function uniqueName(prefix: string): string {
  counter += 1;
  return `${prefix}-${counter}`;
}

export function directoryStub(): DurableObjectStub {
  return env.DIRECTORY.get(env.DIRECTORY.idFromName('directory'));
}

function directory(): Remote<DirectoryRpc> {
  return directoryStub() as unknown as Remote<DirectoryRpc>;
}

/** Bootstraps the file's deployment unless an earlier test did. */
export async function bootstrapped(): Promise<Remote<DirectoryRpc>> {
  const rpc = directory();
  const result = await rpc.bootstrap({
    tokenId: 'first',
    tokenName: 'first',
    tokenHash: await hashOf('first'),
    expiresAt: Date.now() + 3_600_000,
  });
  if (!result.ok && result.error.code !== 'already-bootstrapped') throw new Error(result.error.detail);
  return rpc;
}

export async function trustDomainWithoutRoot(name = `${uniqueName('td')}.example`): Promise<{
  name: string;
  rpc: Remote<TrustDomainRpc>;
  stub: DurableObjectStub;
}> {
  const rpc = await bootstrapped();
  const { objectId } = valueOf(await rpc.createTrustDomain(ADMIN, { name }));
  const stub = env.TRUST_DOMAIN.get(env.TRUST_DOMAIN.idFromString(objectId)) as unknown as DurableObjectStub;
  return { name, rpc: stub as unknown as Remote<TrustDomainRpc>, stub };
}

export async function trustDomain(name?: string): Promise<TestDomain> {
  const domain = await trustDomainWithoutRoot(name);
  const root = valueOf(await domain.rpc.createRoot(ADMIN, { keyType: 'ec-p256' }));
  return {
    ...domain,
    root,
    async enrol(change = {}) {
      const info = valueOf(await domain.rpc.enrolCluster(ADMIN, { ...(await enrolment()), ...change }));
      return { info, ...clusterIssuer(info.objectId) };
    },
  };
}

export function clusterIssuer(objectId: string): { issuer: Remote<ClusterIssuerRpc>; stub: DurableObjectStub } {
  const stub = env.CLUSTER_ISSUER.get(env.CLUSTER_ISSUER.idFromString(objectId)) as unknown as DurableObjectStub;
  return { issuer: stub as unknown as Remote<ClusterIssuerRpc>, stub };
}

/** A legal enrolment with a name and a token key of its own. */
export async function enrolment(): Promise<ClusterConfigInput> {
  return {
    name: uniqueName('cluster'),
    clusterId: 'Kubernetes',
    region: 'local',
    tokenIssuer: TOKEN_ISSUER,
    jwks: { keys: [await tokenKey()] },
    tokenAudience: 'istio-ca',
    agentAccount: 'istio-system/csr-agent',
    namespaces: ['bookinfo', 'default'],
    servingNames: ['csr-agent.istio-system.svc'],
    ttl: { floor: 600, default: 86_400, maximum: 604_800 },
    trustedNodeAccounts: ['istio-system/ztunnel'],
  };
}

/** The public half of a fresh service-account signing key. */
export async function tokenKey(): Promise<TokenKey> {
  const pair = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const { x = '', y = '' } = (await crypto.subtle.exportKey('jwk', pair.publicKey)) as JsonWebKey;
  return { kty: 'EC', crv: 'P-256', x, y, kid: x.slice(0, 8), alg: 'ES256' };
}

export async function hashOf(token: string): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))));
}

export function valueOf<T>(result: Rpc<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.detail}`);
  return result.value;
}

export function failureOf(result: Rpc<unknown>): CaFailure {
  if (result.ok) throw new Error(`expected a failure, got ${JSON.stringify(result.value)}`);
  return result.error;
}

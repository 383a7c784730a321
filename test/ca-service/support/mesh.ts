import { toBase64 } from '../../../pki/src/bytes.ts';
import { webSigner } from '../../../pki/src/crypto/web.ts';
import { buildCsr } from '../../../pki/src/csr/build.ts';
import type { BatchRequest, Caller, Item } from '../../../ca-service/src/client/protocol.ts';
import { encodeBatchRequest } from '../../../ca-service/src/client/protocol.ts';
import { sealToken } from '../../../ca-service/src/client/sealed_token.ts';
import { TestAgent, hashToken } from './agent.ts';
import { claimsOf, type PodFacts, sign, type TokenSigner } from './tokens.ts';

export const agentPod: PodFacts = {
  namespace: 'ambient-ca',
  serviceAccount: 'agent',
  name: 'agent-1',
  uid: 'agent-uid',
  node: 'node-a',
};
export const ztunnelPod: PodFacts = {
  namespace: 'istio-system',
  serviceAccount: 'ztunnel',
  name: 'ztunnel-1',
  uid: 'ztunnel-uid',
  node: 'node-a',
};
export const IDENTITY = 'spiffe://cluster.local/ns/bookinfo/sa/web';
export const CLUSTER_PATH = '/v1/trust-domains/cluster.local/clusters/prod';

export async function csrFor(identity: string | null): Promise<{ csr: string; spki: Uint8Array }> {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const { privateKey, publicKey } = keys as CryptoKeyPair;
  const spki = new Uint8Array((await crypto.subtle.exportKey('spki', publicKey)) as ArrayBuffer);
  return { csr: toBase64(await buildCsr({ signer: webSigner(privateKey, spki), identity })), spki };
}

export async function callerOf(
  token: string,
  pod: PodFacts,
  evidence: { kid: string; jwk: { kty: 'EC'; crv: 'P-256'; x: string; y: string } } | null,
): Promise<Caller> {
  return {
    tokenHash: await hashToken(token),
    ...(evidence === null ? {} : { token: await sealToken(token, evidence) }),
    pod: { namespace: pod.namespace, name: pod.name, uid: pod.uid, serviceAccount: pod.serviceAccount },
    node: pod.node,
  };
}

export async function itemOf(now: number, change: Partial<Item> = {}): Promise<Item> {
  return {
    id: `r-${crypto.randomUUID()}`,
    caller: 0,
    identity: IDENTITY,
    csr: (await csrFor(change.identity ?? IDENTITY)).csr,
    ttl: 86_400,
    receivedAt: now,
    target: { name: 'web-1', uid: 'web-uid' },
    ...change,
  };
}

export function ztunnelToken(signer: TokenSigner, now: number, change: object = {}): Promise<string> {
  return sign(signer, { ...claimsOf(ztunnelPod, ['istio-ca'], Math.floor(now / 1000) - 60, signer.issuer), ...change });
}

/** What an agent has at hand: its key, a token bound to it, the cluster's signer. */
export interface Mesh {
  signer: TokenSigner;
  agent: TestAgent;
  token: string;
}

export async function meshOf(signer: TokenSigner, caUrl: string, now: number): Promise<Mesh> {
  const agent = await TestAgent.create(caUrl);
  return { signer, agent, token: await agent.token(signer, agentPod, Math.floor(now / 1000) - 30) };
}

export function batch(callers: Caller[], items: Item[]): Uint8Array {
  const body: BatchRequest = { version: 1, bundleVersion: 1, callers, items };
  return encodeBatchRequest(body);
}

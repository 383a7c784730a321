import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createEdge, type Edge, type EdgeConfig, type EdgeOptions } from '../../../csr-agent/src/edge/index.ts';
import type { PodRef, SigningRequest } from '../../../csr-agent/src/steps.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { buildCsr } from '../../../pki/src/csr/build.ts';
import { type Csr, parseCsr } from '../../../pki/src/csr/parse.ts';
import { formatIdentity } from '../../../pki/src/spiffe_id.ts';
import type { FakeCa } from './fake_ca.ts';

export interface LogLine {
  level: number;
  msg: string;
  [field: string]: unknown;
}

export interface TestEdge {
  readonly edge: Edge;
  readonly log: LogLine[];
  readonly registry: Registry;
  readonly config: EdgeConfig;
}

export function edgeConfig(ca: FakeCa, changes: Partial<EdgeConfig> = {}): EdgeConfig {
  const folder = mkdtempSync(join(tmpdir(), 'ambient-agent-'));
  const agentTokenKey = join(folder, 'issuer.pem');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(agentTokenKey, privateKey.export({ format: 'pem', type: 'pkcs8' }));
  return {
    trustDomain: ca.trustDomain,
    cluster: ca.cluster,
    clusterId: 'Kubernetes',
    caUrl: ca.url,
    caCert: null,
    caProxy: null,
    rootPin: ca.roots.map(({ pin }) => pin),
    servingNames: ['agent.ambient-ca.svc'],
    stateDir: join(folder, 'state'),
    tokenIssuer: 'https://kubernetes.default.svc',
    agentTokenKey,
    agentAccount: 'ambient-ca/agent',
    agentPod: { namespace: 'ambient-ca', name: 'agent-0', uid: 'agent-uid' },
    node: 'node-a',
    holdMax: 10_800,
    firstHold: 30,
    ...changes,
  };
}

export function testEdge(config: EdgeConfig, options: Partial<EdgeOptions> = {}): TestEdge {
  const log: LogLine[] = [];
  const registry = new Registry();
  const lines = pino(
    { level: 'debug', base: null },
    { write: (line: string) => void log.push(JSON.parse(line) as LogLine) },
  );
  return { edge: createEdge({ config, log: lines, metrics: { registry }, ...options }), log, registry, config };
}

export async function until(what: () => boolean, ms = 8_000): Promise<void> {
  const end = Date.now() + ms;
  while (!what()) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what.toString()}`);
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const ztunnelPod: PodRef = {
  namespace: 'istio-system',
  name: 'ztunnel-x',
  uid: 'ztunnel-uid',
  serviceAccount: 'ztunnel',
  node: 'node-a',
};

/** A CSR with a key of its own. */
export function csrFor(identity: string): Csr {
  return parseCsr(buildCsr({ signer: generateNodeKey('ec-p256'), identity }) as Uint8Array);
}

export function signingRequest(
  changes: Partial<SigningRequest> & { podUid?: string; token?: string } = {},
): SigningRequest {
  const { podUid = 'ztunnel-uid', token = `token-of-${podUid}`, ...rest } = changes;
  const identity = rest.identity ?? { trustDomain: 'cluster.local', namespace: 'default', serviceAccount: 'web' };
  const identityText = formatIdentity(identity);
  const pod = { ...ztunnelPod, uid: podUid };
  return {
    requestId: randomUUID(),
    caller: {
      token,
      tokenHash: createHash('sha256').update(token).digest('base64url'),
      namespace: pod.namespace,
      serviceAccount: pod.serviceAccount,
      pod,
      expiresAt: Math.floor(Date.now() / 1000) + 3600,
    },
    target: { ...ztunnelPod, namespace: 'default', name: 'web-1', uid: 'web-uid', serviceAccount: 'web' },
    impersonated: true,
    identity,
    identityText,
    csr: rest.csr ?? csrFor(identityText),
    ttlSeconds: 86_400,
    receivedAt: Date.now(),
    cancelled: new AbortController().signal,
    recheck: () => null,
    ...rest,
  };
}

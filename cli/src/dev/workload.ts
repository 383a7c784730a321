import { readFileSync } from 'node:fs';
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { buildCsr } from '../../../pki/src/csr/build.ts';
import { encodePem } from '../../../pki/src/pem.ts';
import { formatIdentity } from '../../../pki/src/spiffe_id.ts';
import { CliError } from '../errors.ts';
import { printable } from '../ca/problem.ts';
import type { DevDescriptor } from './descriptor.ts';
import { CREATE_CERTIFICATE, decodeResponse, encodeRequest, type CertificateRequest } from './istio_ca_wire.ts';
import { ZTUNNEL_ACCOUNTS, type Pod } from './pods.ts';
import { signToken } from './token_issuer.ts';

export const KEY_TYPES = ['ec-p256', 'ec-p384', 'rsa-2048'] as const;
export type WorkloadKeyType = (typeof KEY_TYPES)[number];

export interface WorkloadRequest {
  pod: Pod;
  /** The ztunnel that asks on the pod's behalf; null when the workload asks for itself, as a sidecar does. */
  ztunnel: Pod | null;
  keyType: WorkloadKeyType;
  /** 0 leaves it to the CA */
  ttlSeconds: number;
}

export interface WorkloadCertificate {
  identity: string;
  keyPem: string;
  /** leaf first, roots last, as the agent answered */
  chain: string[];
}

const TOKEN_LIFE_SECONDS = 3_600;
const DEADLINE_MS = 20_000;

/**
 * Gets a certificate through the agent as a real client does: fresh key, CSR, token, TLS to the agent, one gRPC call.
 * @throws CliError `agent-unreachable`, `agent-refused`
 */
export async function fetchCertificate(
  dev: DevDescriptor,
  request: WorkloadRequest,
  now: () => number,
): Promise<WorkloadCertificate> {
  const { pod, ztunnel } = request;
  const identity = formatIdentity({
    trustDomain: dev.trustDomain,
    namespace: pod.namespace,
    serviceAccount: pod.serviceAccount,
  });
  const key = generateNodeKey(request.keyType);
  // pilot-agent writes an empty organization, ztunnel an empty subject.
  const csr = await buildCsr({
    signer: key,
    identity,
    sanCritical: true,
    emptyOrganization: ztunnel === null,
  });
  const token = await signToken(readFileSync(dev.tokens.keyFile, 'utf8'), {
    issuer: dev.tokens.issuer,
    audiences: [dev.tokens.audience],
    pod: ztunnel ?? pod,
    lifeSeconds: TOKEN_LIFE_SECONDS,
    now: Math.floor(now() / 1000),
  });
  const chain = await createCertificate(dev, token, {
    csr: encodePem('CERTIFICATE REQUEST', csr),
    validitySeconds: request.ttlSeconds,
    impersonatedIdentity: ztunnel === null ? null : identity,
  });
  return { identity, keyPem: encodePem('PRIVATE KEY', key.pkcs8), chain };
}

/** The ztunnel on a pod's node. @throws CliError `unknown-pod` */
export function ztunnelFor(pods: readonly Pod[], pod: Pod): Pod {
  const found = pods.find(
    (p) => p.node === pod.node && ZTUNNEL_ACCOUNTS.includes(`${p.namespace}/${p.serviceAccount}`),
  );
  if (found !== undefined) return found;
  throw new CliError('unknown-pod', `no ztunnel runs on ${pod.node}`, {
    next: 'add a pod with service account ztunnel on that node to the list of pods, or leave --as-ztunnel out',
  });
}

function createCertificate(dev: DevDescriptor, token: string, request: CertificateRequest): Promise<string[]> {
  const client = new Client(dev.agent.address, credentials.createSsl(readFileSync(dev.agent.rootCert)), {
    'grpc.ssl_target_name_override': dev.agent.serverName,
    'grpc.default_authority': dev.agent.serverName,
  });
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  metadata.set('clusterid', dev.clusterId);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      CREATE_CERTIFICATE,
      encodeRequest,
      decodeResponse,
      request,
      metadata,
      { deadline: new Date(Date.now() + DEADLINE_MS) },
      (error: ServiceError | null, chain: string[] | undefined) => {
        client.close();
        if (error !== null) reject(agentError(dev, error));
        else resolve(chain ?? []);
      },
    );
  });
}

const NEXT: Partial<Record<status, string>> = {
  [status.UNAUTHENTICATED]:
    'the reason is in the agent’s log (agent.log in the state folder); clients are told nothing more',
  [status.INVALID_ARGUMENT]: 'the reason is in the agent’s log (agent.log in the state folder)',
  [status.UNAVAILABLE]: 'is `npm start` still running? its lines and agent.log say what is wrong',
  [status.DEADLINE_EXCEEDED]: 'the agent holds requests while the CA is away: see ca.log in the state folder',
};

function agentError(dev: DevDescriptor, error: ServiceError): CliError {
  const refused = error.code === status.UNAUTHENTICATED || error.code === status.INVALID_ARGUMENT;
  const name = status[error.code] ?? String(error.code);
  return new CliError(
    refused ? 'agent-refused' : 'agent-unreachable',
    `the agent at ${dev.agent.address} answered ${name}: ${printable(error.details)}`,
    { next: NEXT[error.code] ?? 'see agent.log in the state folder', cause: error },
  );
}

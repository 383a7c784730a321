import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '../../support/token.ts';

/** A CA that ztunnel can be pointed at: ours, or the toy that proves this harness. */
export interface Mesh {
  caPort: number;
  serverName: string;
  rootPem: string;
  clusterId: string;
  trustDomain: string;
  token: (pod: Pod) => string;
}

export interface Workload extends Pod {
  /** Where it lives, in 127.0.0.0/8. */
  address: string;
}

/** Files and programs of one test, gone when it ends. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'ambient-ca-ztunnel-'));
  file(name: string, content: string): string {
    const path = join(this.path, name);
    writeFileSync(path, content);
    return path;
  }
  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** ztunnel's LocalConfig; trustDomain must be set, since its default is the empty string (istio-contract §A8). */
function localConfig(mesh: Mesh, workloads: readonly Workload[]): string {
  const lines = workloads.map((pod) =>
    JSON.stringify({
      uid: `${mesh.clusterId}//v1/Pod/${pod.namespace}/${pod.name}`,
      name: pod.name,
      namespace: pod.namespace,
      serviceAccount: pod.serviceAccount,
      trustDomain: mesh.trustDomain,
      workloadIps: [pod.address],
      protocol: 'HBONE',
      node: pod.node,
      network: '',
      services: {},
    }),
  );
  return `workloads:\n${lines.map((line) => `- ${line}\n`).join('')}policies: []\nservices: []\n`;
}

/** What both modes have in common. The token file is read for each RPC and must not end in a newline. */
export function commonEnv(
  mesh: Mesh,
  folder: Folder,
  caller: Pod,
  workloads: readonly Workload[],
  secretTtl: string,
): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    RUST_LOG: 'info',
    IPV6_ENABLED: 'false',
    ZTUNNEL_WORKER_THREADS: '1',
    NODE_NAME: caller.node,
    XDS_ADDRESS: '',
    LOCAL_XDS_PATH: folder.file(`${caller.name}.yaml`, localConfig(mesh, workloads)),
    CA_ADDRESS: `https://localhost:${mesh.caPort}`,
    ALT_CA_HOSTNAME: mesh.serverName,
    CA_ROOT_CA: folder.file(`${caller.name}-root.pem`, mesh.rootPem),
    AUTH_TOKEN: folder.file(`${caller.name}.token`, mesh.token(caller)),
    CLUSTER_ID: mesh.clusterId,
    TRUST_DOMAIN: mesh.trustDomain,
    SECRET_TTL: secretTtl,
    POOL_UNUSED_RELEASE_TIMEOUT: '200ms',
  };
}

export interface DumpedCertificate {
  identity: string;
  /** 'Available', 'Initializing' or 'Unavailable: …'. */
  state: string;
  certChain: { pem: string; serialNumber: string; validFrom: string; expirationTime: string }[];
  rootCerts: { pem: string; serialNumber: string }[];
}

export const readDump = (json: string): DumpedCertificate[] =>
  (JSON.parse(json) as { certificates: DumpedCertificate[] }).certificates;

import type { Dev } from '../../support/dev.ts';
import type { Mesh, Workload } from './mesh.ts';

/** An address block of this test process in 127.0.0.0/8, so that two runs on one machine do not meet. */
export const localAddress = (last: number): string => `127.${1 + (process.pid % 250)}.7.${last}`;

/** A workload alone on its node, as dedicated mode has it: its node must be ztunnel's NODE_NAME (experiments, Method). */
export function workload(name: string, last: number, node = `node-${name}`): Workload {
  return { namespace: 'default', name, uid: `uid-${name}`, serviceAccount: name, node, address: localAddress(last) };
}

export function meshOf(dev: Dev): Mesh {
  const { port, serverName, roots, clusterId } = dev.address;
  return {
    caPort: port,
    serverName,
    rootPem: roots,
    clusterId,
    trustDomain: dev.info.trustDomain,
    token: (pod) => dev.token(pod),
  };
}

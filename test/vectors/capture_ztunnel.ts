/*
 * Writes the CSR that a real ztunnel sends: `ZTUNNEL_BIN=<path>[,<path>] node test/vectors/capture_ztunnel.ts`, one file in
 * csr/captured for each binary, named after it. The ztunnel runs in shared mode under a toy CA that keeps what it is asked.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { binaries, sharedBlocker } from '../interop/ztunnel/binaries.ts';
import { Folder } from '../interop/ztunnel/mesh.ts';
import { Shared } from '../interop/ztunnel/shared.ts';
import { ToyCa } from '../support/toy/ca_server.ts';

const blocker = sharedBlocker();
if (blocker !== undefined) throw new Error(blocker);

const node = 'node-a';
const caller = { namespace: 'istio-system', name: 'ztunnel', uid: 'uid-ztunnel', serviceAccount: 'ztunnel', node };
const workload = {
  namespace: 'bookinfo',
  name: 'productpage',
  uid: 'uid-productpage',
  serviceAccount: 'productpage',
  node,
  address: '127.0.0.2',
};
const captured = join(import.meta.dirname, 'csr/captured');
mkdirSync(captured, { recursive: true });

for (const binary of binaries()) {
  const ca = new ToyCa();
  const folder = new Folder();
  const mesh = {
    caPort: await ca.start(),
    serverName: 'localhost',
    rootPem: ca.root.pem,
    clusterId: 'Kubernetes',
    trustDomain: 'cluster.local',
    token: () => 'toy',
  };
  const shared = await Shared.start({ binary, mesh, caller, workloads: [workload] }, folder);
  try {
    await shared.available(1);
    writeFileSync(join(captured, `${binary.name}.pem`), ca.calls[0]?.request.csr ?? '');
  } finally {
    await shared.stop();
    ca.stop();
    folder.remove();
  }
}

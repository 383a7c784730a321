import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PilotAgent } from '../../support/client/pilot_agent.ts';
import { pemBlocks } from '../../support/client/reply.ts';
import type { CsrKey } from '../../support/client/csr.ts';
import { ToyCa, type ToyCall } from '../../support/toy/ca_server.ts';
import { skipWithout } from '../support/binaries.ts';
import type { Mesh } from '../ztunnel/mesh.ts';
import { workload } from '../ztunnel/workloads.ts';
import { PilotAgents } from './lab.ts';
import { TOKEN_FILE, ROOT_FILE } from './real_pilot_agent.ts';

const POD = workload('sidecar', 2);
const SERVER_NAME = 'istiod.istio-system.svc';
const EC = { ECC_SIGNATURE_ALGORITHM: 'ECDSA' };
/** What grpc-go and this library's channel say of themselves, and the pseudo-headers of a name. */
const OF_THE_TRANSPORT = new Set(['user-agent', 'content-type', 'te', 'grpc-accept-encoding']);

/** A CSR without what differs from one to the next: what is before the key, and the attributes after it. */
function shapeOf({ request, spki }: ToyCall): { before: string; attributes: string } {
  const der = pemBlocks(request.csr)[0]!.der;
  const key = der.indexOf(spki);
  // Version and subject; the lengths of the headers around them depend on those of key and signature.
  const version = der.indexOf(Uint8Array.of(0x02, 0x01, 0x00));
  const after = key + spki.length;
  return {
    before: der.toString('hex', version, key),
    attributes: der.toString('hex', after, after + 2 + der[after + 1]!),
  };
}

const said = (call: ToyCall): unknown => ({
  identity: call.identity,
  validity: call.request.validityDuration,
  metadata: call.request.metadata,
  headers: Object.fromEntries(Object.entries(call.headers).filter(([name]) => !OF_THE_TRANSPORT.has(name))),
  ...shapeOf(call),
});

describe.skipIf(skipWithout('pilot-agent request', 'PILOT_AGENT_BIN'))('the client library of the tests', () => {
  const agents = new PilotAgents();
  let ca: ToyCa;
  let mesh: Mesh;

  beforeEach(async () => {
    ca = new ToyCa();
    const caPort = await ca.start(SERVER_NAME);
    const own = { serverName: SERVER_NAME, rootPem: ca.root.pem, clusterId: 'Cluster-1', trustDomain: 'cluster.local' };
    mesh = { caPort, ...own, token: () => 'a.toy.token' };
  });
  afterEach(async () => {
    await agents.stop();
    ca.stop();
  });

  test.each<[CsrKey, Record<string, string>]>([
    ['rsa-2048', {}],
    ['ec-p256', EC],
    ['ec-p384', { ...EC, ECC_CURVE: 'P384' }],
  ])('sends the headers, the fields and the CSR that the real pilot-agent sends: %s', async (key, env) => {
    const files = { [ROOT_FILE]: mesh.rootPem, [TOKEN_FILE]: '  a.toy.token \n' };
    await (await agents.start({ mesh, pod: POD, env, files })).written();
    const library = new PilotAgent({
      host: '127.0.0.1',
      port: mesh.caPort,
      serverName: SERVER_NAME,
      roots: mesh.rootPem,
      clusterId: mesh.clusterId,
      token: () => '  a.toy.token \n',
      key,
    });
    try {
      await library.csrSign('spiffe://cluster.local/ns/default/sa/sidecar');
    } finally {
      library.close();
    }
    const [real, ours] = ca.calls;
    expect(said(ours!)).toEqual(said(real!));
    // What is compared is something.
    expect(said(real!)).toMatchObject({
      identity: 'spiffe://cluster.local/ns/default/sa/sidecar',
      headers: { authorization: 'Bearer a.toy.token', clusterid: 'Cluster-1' },
      before: expect.stringMatching(/^020100/) as string,
      attributes: expect.stringMatching(/^a0/) as string,
    });
  });
});

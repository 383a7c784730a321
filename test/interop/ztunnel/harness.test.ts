import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ToyCa } from '../../support/toy/ca_server.ts';
import { toyCa } from '../../support/toy/authority.ts';
import { binaries, dedicatedBlocker, pairs, sayIfSkipped, sharedBlocker, type Binary } from './binaries.ts';
import { compileShim, Dedicated } from './dedicated.ts';
import { Folder, type Mesh, type Workload } from './mesh.ts';
import { Shared } from './shared.ts';

// The harness against a CA whose certificates are known to be good, and against one whose are not: without this a pass of the suites
// beside it could mean that nothing was asked.
const address = (last: number): string => `127.${1 + (process.pid % 250)}.7.${last}`;
const pod = (name: string, last: number): Workload => {
  return {
    namespace: 'default',
    name,
    uid: `uid-${name}`,
    serviceAccount: name,
    node: `node-${name}`,
    address: address(last),
  };
};
const [A, B] = [pod('a', 2), pod('b', 3)];

let ca: ToyCa;
let folder: Folder;
let mesh: Mesh;
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  ca = new ToyCa();
  folder = new Folder();
  const caPort = await ca.start();
  mesh = {
    caPort,
    serverName: 'localhost',
    rootPem: ca.root.pem,
    clusterId: 'c1',
    trustDomain: 'cluster.local',
    token: () => 'toy',
  };
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  ca.stop();
  folder.remove();
});

/** The first binary stands for both where there is only one. */
async function start(...bins: readonly Binary[]): Promise<[Dedicated, Dedicated]> {
  const shim = compileShim(folder);
  const both: Dedicated[] = [];
  for (const [index, workload] of [A, B].entries()) {
    const binary = bins[index] ?? bins[0]!;
    both.push(await Dedicated.start({ binary, mesh, workload, peers: [A, B], secretTtl: '1h', shim }, folder));
    stops.push(() => both[index]!.stop());
  }
  return [both[0]!, both[1]!];
}

describe.skipIf(sayIfSkipped('harness (dedicated)', dedicatedBlocker()))(
  'two dedicated ztunnels under a toy CA',
  () => {
    test.each(pairs(binaries()).map(([one, other]) => [one.name, other.name, one, other] as const))(
      '%s and %s pass a request both ways',
      async (_, __, one, other) => {
        const [a, b] = await start(one, other);
        expect([await a.get(B), await b.get(A)]).toEqual(['200 I am b', '200 I am a']);
        expect((await a.certificates()).map((held) => held.state)).toContain('Available');
      },
    );

    test.each(binaries().map((binary) => [binary.name, binary] as const))(
      '%s passes none under a wrong root',
      async (_, binary) => {
        const wrong = toyCa('toy root', { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3_600_000 });
        ca.behaviour = (call, self) => [self.leaf(call), self.intermediate.pem, wrong.pem];
        const [a] = await start(binary);
        expect(await a.get(B)).toMatch(/^000/);
      },
    );
  },
);

describe.skipIf(sayIfSkipped('harness (shared)', sharedBlocker()))('a shared ztunnel under a toy CA', () => {
  test.each(binaries().map((binary) => [binary.name, binary] as const))(
    '%s impersonates the pods of its node',
    async (_, binary) => {
      const caller = { ...A, namespace: 'istio-system', name: 'ztunnel', serviceAccount: 'ztunnel' };
      const shared = await Shared.start(
        { binary, mesh, caller, workloads: [A, { ...B, node: A.node }, pod('c', 4)] },
        folder,
      );
      stops.push(() => shared.stop());
      await shared.available(2);
      expect(ca.calls.map((call) => call.request.metadata?.['ImpersonatedIdentity'])).toEqual([
        'spiffe://cluster.local/ns/default/sa/a',
        'spiffe://cluster.local/ns/default/sa/b',
      ]);
    },
  );
});

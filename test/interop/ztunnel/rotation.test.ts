import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ToyCa } from '../../support/toy/ca_server.ts';
import {
  BEFORE_ROTATION,
  Rotation,
  ROTATION_PHASES,
  type GenerationName,
  type Served,
} from '../../support/toy/rotation.ts';
import { binaries, dedicatedBlocker, pairs, sayIfSkipped, type Binary } from './binaries.ts';
import type { Dedicated } from './dedicated.ts';
import { heldByAll, renewed } from './held.ts';
import { Lab } from './lab.ts';
import type { Mesh, Workload } from './mesh.ts';
import { aboutCertificates, bothWays, reasons, Traffic } from './traffic.ts';
import { workload } from './workloads.ts';

// A toy CA serves what the product's code makes, to whom the test says: the pairings of a rotation, in which two workloads rarely
// are at the same step, are to be had at will.
const HOUR = 3_600;
const BUNDLES: Readonly<Record<string, readonly GenerationName[]>> = { old: ['old'], both: ['new', 'old'] };
const CHAINS = ['old', 'new'] as const;

describe.skipIf(sayIfSkipped('rotation', dedicatedBlocker()))(
  'dedicated ztunnels during a rotation of the root',
  () => {
    let ca: ToyCa;
    let lab: Lab;
    let mesh: Mesh;
    let rotation: Rotation;
    let ttlSeconds = HOUR;
    /** By service account, or the same for all. */
    let served: (account: string) => Served;

    beforeEach(async () => {
      lab = new Lab();
      rotation = await Rotation.create(Date.now());
      ca = new ToyCa((call) => rotation.reply(call, served(call.identity.split('/').at(-1)!), ttlSeconds, Date.now()));
      const caPort = await ca.start();
      lab.onStop(() => ca.stop());
      const [rootPem, serverName] = [ca.root.pem, 'localhost'];
      mesh = { caPort, serverName, rootPem, clusterId: 'c1', trustDomain: 'cluster.local', token: () => 'toy' };
      ttlSeconds = HOUR;
    });
    afterEach(() => lab.stop());

    const startAll = async (of: readonly [Binary, Workload][]): Promise<Dedicated[]> => {
      const peers = of.map(([, own]) => own);
      const started: Dedicated[] = [];
      for (const [binary, own] of of)
        started.push(await lab.dedicated(binary, mesh, own, { peers, secretTtl: `${ttlSeconds}s` }));
      return started;
    };

    test('every step of chain and bundle passes requests with every other, on every generation, both ways', async () => {
      const steps = new Map<string, Served>();
      const holders = binaries().flatMap((binary, generation) =>
        CHAINS.flatMap((chain) =>
          Object.entries(BUNDLES).map(([bundleName, bundle]): [Binary, Workload] => {
            const name = `z${generation}-${chain}-chain-${bundleName}`;
            steps.set(name, { chain, bundle, cross: true });
            return [binary, workload(name, 1 + steps.size)];
          }),
        ),
      );
      served = (account) => steps.get(account)!;
      const all = await startAll(holders);
      const rows: Record<string, Record<string, string>> = {};
      for (const from of all)
        for (const to of all) (rows[from.workload.name] ??= {})[to.workload.name] = await from.get(to.workload);
      binaries().forEach((binary, generation) => console.log(`z${generation} is ${binary.name}`));
      console.log(
        'from the row to the column: chain of the leaf, roots it was served (both: the newer one and the older)',
      );
      console.table(
        Object.fromEntries(
          Object.entries(rows).map(([from, cells]) => [
            from,
            Object.fromEntries(Object.entries(cells).map(([to, text]) => [to, text.slice(0, 3)])),
          ]),
        ),
      );
      for (const cells of Object.values(rows))
        for (const [to, text] of Object.entries(cells)) expect(text).toBe(`200 I am ${to}`);
      // The table is of what it says: the leaf under the newer root has the cross-certificate in its chain, the older one has not.
      for (const side of all) {
        const [own] = await side.certificates();
        const { chain, bundle } = steps.get(side.workload.name)!;
        expect([own?.certChain.length, own?.rootCerts.length]).toEqual([chain === 'new' ? 3 : 2, bundle.length]);
      }
    });

    test.each(pairs(binaries()).map(([one, other]) => [one.name, other.name, one, other] as const))(
      '%s refuses, and is refused by, %s under the newer root without the cross-certificate',
      async (_, __, one, other) => {
        const [before, after] = [workload('before', 2), workload('after', 3)];
        served = (account) => ({ chain: account === 'after' ? 'new' : 'old', bundle: ['old'], cross: false });
        const [a, b] = (await startAll([
          [one, before],
          [other, after],
        ])) as [Dedicated, Dedicated];
        expect(await a.get(after)).toMatch(/^000/);
        expect(await b.get(before)).toMatch(/^000/);
        expect(aboutCertificates(reasons(a, b)).join('\n')).toContain('UnknownIssuer');
      },
    );

    const [oldest, newest] = [binaries()[0]!, binaries().at(-1)!];
    test.each([
      ['in all its phases', ROTATION_PHASES],
      ['without the first, as in an emergency', ROTATION_PHASES.slice(1)],
    ] as const)('no request fails while a mesh of both generations goes through a rotation %s', async (_, phases) => {
      ttlSeconds = 16;
      const [A, B] = [workload('a', 2), workload('b', 3)];
      served = () => BEFORE_ROTATION;
      const [a, b] = (await startAll([
        [oldest, A],
        [newest, B],
      ])) as [Dedicated, Dedicated];
      expect([await a.get(B), await b.get(A)]).toEqual(['200 I am b', '200 I am a']);
      const traffic = new Traffic(bothWays(a, b));
      for (const phase of phases) {
        served = () => phase;
        const answered = traffic.answers.length;
        await renewed([a, b], await heldByAll([a, b]));
        // Each phase is one that requests were made in.
        expect(traffic.answers.length).toBeGreaterThan(answered);
      }
      expect(lab.failures(await traffic.stop())).toEqual([]);
      expect(aboutCertificates(reasons(a, b))).toEqual([]);
    });
  },
);

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Ztunnel } from '../../support/client/ztunnel.ts';
import { Dev } from '../../support/dev.ts';
import { sleep, until } from '../../support/processes.ts';
import { addRoot } from '../support/roots.ts';
import { metric } from './agent_log.ts';
import { binaries, dedicatedBlocker, pairs, sayIfSkipped } from './binaries.ts';
import { held, renewed } from './held.ts';
import { Lab } from './lab.ts';
import { bothWays, Traffic } from './traffic.ts';
import { meshOf, workload } from './workloads.ts';

const [A, B, C] = [workload('a', 2), workload('b', 3), workload('c', 4)];

describe.skipIf(sayIfSkipped('bundle', dedicatedBlocker()))('a root that is added to the bundle', () => {
  let dev: Dev;
  let lab: Lab;

  beforeAll(async () => {
    dev = await Dev.start({ pods: [A, B, C], minTtl: '20s' });
  });
  afterAll(() => dev.stop());
  beforeEach(() => {
    lab = new Lab();
  });
  afterEach(() => lab.stop());

  test.each(pairs(binaries()).map(([one, other]) => [one.name, other.name, one, other] as const))(
    'is seen by %s at its next fetch, and requests go on between it and %s, which has the old bundle',
    async (_, __, one, other) => {
      const bundleVersion = (): Promise<number> => metric(dev.info.agent.metrics, 'ambient_ca_agent_bundle_version');
      const a = await lab.dedicated(one, meshOf(dev), A, { peers: [A, B], secretTtl: '20s' });
      const b = await lab.dedicated(other, meshOf(dev), B, { peers: [A, B], secretTtl: '1h' });
      expect([await a.get(B), await b.get(A)]).toEqual(['200 I am b', '200 I am a']);
      const oldBundle = (await held(b)).get(dev.identity(B))!;
      const traffic = new Traffic(bothWays(a, b));

      const version = await bundleVersion();
      const root = await addRoot(dev);
      // The agent hears of it from the next answer that it gets, whoever asked.
      const client = new Ztunnel({ ...dev.address, mode: 'dedicated', token: () => dev.token(C) });
      lab.onStop(() => client.close());
      await until('the new bundle at the agent', 60_000, async () => {
        await client.fetchCertificate(dev.identity(C));
        return (await bundleVersion()) > version;
      });
      const newBundle = (await renewed([a], await held(a))).get(dev.identity(A))!;
      await sleep(2_000);
      expect(lab.failures(await traffic.stop())).toEqual([]);

      expect(new Set(newBundle.roots)).toEqual(new Set([...oldBundle.roots, root]));
      // The active one stays the first.
      expect(newBundle.roots[0]).toBe(oldBundle.roots[0]);
      expect((await held(b)).get(dev.identity(B))).toEqual(oldBundle);
    },
  );
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Dev } from '../../support/dev.ts';
import { sleep, until } from '../../support/processes.ts';
import { binaries, dedicatedBlocker, sayIfSkipped } from './binaries.ts';
import { firstDue, heldByAll, renewed } from './held.ts';
import { Lab } from './lab.ts';
import { Replica } from './replica.ts';
import { Service } from './service.ts';
import { bothWays, Traffic } from './traffic.ts';
import { meshOf, workload } from './workloads.ts';

const [A, B] = [workload('a', 2), workload('b', 3)];
const TTL = '40s';
/** Between the first certificates, and so between the renewals: what one agent holds before the other is asked. */
const APART = 5_000;

describe.skipIf(sayIfSkipped('drain', dedicatedBlocker()))('an agent that is drained while it holds requests', () => {
  let dev: Dev;
  let lab: Lab;

  beforeAll(async () => {
    dev = await Dev.start({ pods: [A, B], minTtl: '20s' });
  });
  afterAll(() => dev.stop());
  beforeEach(() => {
    lab = new Lab();
  });
  afterEach(async () => {
    process.kill(dev.info.ca.pid, 'SIGCONT');
    await lab.stop();
  });

  test.each(binaries().map((binary) => [binary.name, binary] as const))(
    '%s has them answered by it, what comes after by another, and loses no request',
    async (_, binary) => {
      const options = { peers: [A, B], secretTtl: TTL };
      const replica = async (name: string): Promise<Replica> => {
        const started = await Replica.start(dev, name, lab.folder);
        lab.onStop(() => started.stop());
        return started;
      };
      const leaving = await replica('leaving');
      const service = await Service.start(leaving);
      lab.onStop(() => service.stop());
      const mesh = { ...meshOf(dev), caPort: service.port };
      const a = await lab.dedicated(binary, mesh, A, options);
      expect(await a.get(A)).toBe('200 I am a');
      await sleep(APART);
      const b = await lab.dedicated(binary, mesh, B, options);
      expect([await a.get(B), await b.get(A)]).toEqual(['200 I am b', '200 I am a']);
      const [first, both] = [await heldByAll([a, b]), [a, b]];
      const traffic = new Traffic(bothWays(a, b));

      const staying = await replica('staying');
      await sleep(firstDue(first) - 1_000 - Date.now());
      process.kill(dev.info.ca.pid, 'SIGSTOP');
      await until('a renewal held by the one that leaves', 20_000, async () => (await leaving.waiting()) === 1);
      service.pointTo(staying);
      const exit = leaving.terminate();
      await until('unreadiness of the one that leaves', 10_000, async () => (await leaving.ready()) === 503);
      await until('a renewal held by the one that stays', 20_000, async () => (await staying.waiting()) === 1);
      expect(leaving.ended).toBe(false);
      process.kill(dev.info.ca.pid, 'SIGCONT');

      await renewed(both, first);
      expect(await exit).toBe(0);
      await sleep(1_000);
      expect(lab.failures(await traffic.stop())).toEqual([]);
      expect(leaving.issuedTo).toEqual([dev.identity(A), dev.identity(B), dev.identity(A)]);
      expect(staying.issuedTo).toEqual([dev.identity(B)]);
      expect(leaving.lines.find(({ message }) => message === 'drained')).toMatchObject({ end: 'drained' });
      for (const agent of [leaving, staying])
        expect(agent.lines.filter(({ message }) => /refused|gone|failed/.test(message))).toEqual([]);
    },
  );
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Dev } from '../../support/dev.ts';
import { sleep } from '../../support/processes.ts';
import { binaries, dedicatedBlocker, sayIfSkipped, type Binary } from './binaries.ts';
import type { Dedicated } from './dedicated.ts';
import { firstDue, heldByAll, lastDue, renewed, serials } from './held.ts';
import { Lab } from './lab.ts';
import { bothWays, Traffic } from './traffic.ts';
import { meshOf, workload } from './workloads.ts';

const [A, B] = [workload('a', 2), workload('b', 3)];
/** Long enough that a stop from before the half-life to after it leaves room for the renewal, also on a busy machine. */
const TTL = '60s';
const BEFORE = 2_000;
const AFTER = 8_000;

describe.skipIf(sayIfSkipped('renewal', dedicatedBlocker()))(
  'a renewal of a dedicated ztunnel, with requests all the time',
  () => {
    let dev: Dev;
    let lab: Lab;

    beforeAll(async () => {
      dev = await Dev.start({ pods: [A, B], minTtl: '20s' });
    });
    afterAll(() => dev.stop());
    beforeEach(() => {
      lab = new Lab();
    });
    afterEach(() => lab.stop());

    const start = async (binary: Binary, secretTtl: string): Promise<[Dedicated, Dedicated]> => {
      const options = { peers: [A, B], secretTtl };
      const a = await lab.dedicated(binary, meshOf(dev), A, options);
      const b = await lab.dedicated(binary, meshOf(dev), B, options);
      expect([await a.get(B), await b.get(A)]).toEqual(['200 I am b', '200 I am a']);
      return [a, b];
    };
    const each = binaries().map((binary) => [binary.name, binary] as const);

    test.each(each)('%s renews at half-life and loses no request', async (_, binary) => {
      const both = await start(binary, '20s');
      const first = await heldByAll(both);
      const traffic = new Traffic(bothWays(...both));
      const next = await renewed(both, first);
      const answers = await traffic.stop();
      expect(answers.length).toBeGreaterThan(10);
      expect(lab.failures(answers)).toEqual([]);
      for (const [identity, { due }] of next) expect(due).toBeGreaterThan(first.get(identity)!.due);
    });

    test.each(each)('%s loses no request when the CA is stopped over the half-life', async (_, binary) => {
      const both = await start(binary, TTL);
      const first = await heldByAll(both);
      const traffic = new Traffic(bothWays(...both));
      await sleep(firstDue(first) - BEFORE - Date.now());
      const ca = dev.info.ca.pid;
      process.kill(ca, 'SIGSTOP');
      try {
        await sleep(lastDue(first) + AFTER - Date.now());
        // Nothing can have been renewed: the stop covered both half-lives.
        expect(serials(await heldByAll(both))).toEqual(serials(first));
      } finally {
        process.kill(ca, 'SIGCONT');
      }
      await renewed(both, first);
      expect(lab.failures(await traffic.stop())).toEqual([]);
    });

    test.each(each)(
      '%s loses no request when the CA is killed over the half-life and started again',
      async (_, binary) => {
        const both = await start(binary, TTL);
        const first = await heldByAll(both);
        const traffic = new Traffic(bothWays(...both));
        await sleep(firstDue(first) - BEFORE - Date.now());
        const ca = dev.info.ca.pid;
        // The supervisor is stopped, too, or it would start another at once.
        process.kill(dev.supervisor, 'SIGSTOP');
        try {
          process.kill(ca, 'SIGKILL');
          await sleep(lastDue(first) + AFTER - Date.now());
          expect(serials(await heldByAll(both))).toEqual(serials(first));
        } finally {
          process.kill(dev.supervisor, 'SIGCONT');
        }
        await dev.replaced('ca', ca);
        await renewed(both, first);
        expect(lab.failures(await traffic.stop())).toEqual([]);
      },
    );
  },
);

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { refreshAt } from '../../support/client/schedule.ts';
import { Dev } from '../../support/dev.ts';
import { sleep, until } from '../../support/processes.ts';
import { binaries, dedicatedBlocker, sayIfSkipped, type Binary } from './binaries.ts';
import { compileShim, Dedicated } from './dedicated.ts';
import { Folder } from './mesh.ts';
import { meshOf, workload } from './workloads.ts';

const [A, B] = [workload('a', 2), workload('b', 3)];
/** Long enough that a stop from before the half-life to after it leaves room for the renewal, also on a busy machine. */
const TTL = '60s';
const BEFORE = 2_000;
const AFTER = 8_000;

interface Held {
  serial: string;
  due: number;
}

const failed = (answers: readonly string[]): string[] => answers.filter((answer) => !answer.startsWith('200 '));

/** Requests both ways, one pair after another, until stopped; POOL_UNUSED_RELEASE_TIMEOUT makes nearly each a new handshake. */
function traffic(a: Dedicated, b: Dedicated): () => Promise<string[]> {
  const stopped = new AbortController();
  const loop = (async () => {
    const answers: string[] = [];
    while (!stopped.signal.aborted) {
      answers.push(await a.get(B), await b.get(A));
      await sleep(300);
    }
    return answers;
  })();
  return async () => {
    stopped.abort();
    const answers = await loop;
    if (failed(answers).length > 0) console.log(`${a.log}\n${b.log}`);
    return answers;
  };
}

describe.skipIf(sayIfSkipped('renewal', dedicatedBlocker()))(
  'a renewal of a dedicated ztunnel, with requests all the time',
  () => {
    let dev: Dev;
    let folder: Folder;
    let running: Dedicated[] = [];

    beforeAll(async () => {
      dev = await Dev.start({ pods: [A, B], minTtl: '20s' });
    });
    afterAll(() => dev.stop());
    beforeEach(() => {
      folder = new Folder();
    });
    afterEach(async () => {
      await Promise.all(running.map((each) => each.stop()));
      running = [];
      folder.remove();
    });

    const start = async (binary: Binary, secretTtl: string): Promise<[Dedicated, Dedicated]> => {
      const [shim, mesh] = [compileShim(folder), meshOf(dev)];
      for (const own of [A, B]) {
        running.push(await Dedicated.start({ binary, mesh, workload: own, peers: [A, B], secretTtl, shim }, folder));
      }
      return [running[0]!, running[1]!];
    };
    const held = async (side: Dedicated): Promise<Held> => {
      const certificate = (await side.certificates()).find((each) => each.identity === dev.identity(side.workload));
      const leaf = certificate?.certChain[0];
      if (leaf === undefined) throw new Error(`no certificate: ${certificate?.state}`);
      return { serial: leaf.serialNumber, due: refreshAt(Date.parse(leaf.validFrom), Date.parse(leaf.expirationTime)) };
    };
    const renewed = (side: Dedicated, first: Held): Promise<Held> =>
      until(`renewal of ${side.workload.name}`, 60_000, async () => {
        const now = await held(side);
        return now.serial !== first.serial && now;
      });
    const each = binaries().map((binary) => [binary.name, binary] as const);

    test.each(each)('%s renews at half-life and loses no request', async (_, binary) => {
      const [a, b] = await start(binary, '20s');
      expect([await a.get(B), await b.get(A)]).toEqual(['200 I am b', '200 I am a']);
      const [firstA, firstB] = [await held(a), await held(b)];
      const stop = traffic(a, b);
      const [nextA, nextB] = await Promise.all([renewed(a, firstA), renewed(b, firstB)]);
      const answers = await stop();
      expect(answers.length).toBeGreaterThan(10);
      expect(failed(answers)).toEqual([]);
      expect(nextA.due).toBeGreaterThan(firstA.due);
      expect(nextB.due).toBeGreaterThan(firstB.due);
    });

    test.each(each)('%s loses no request when the CA is stopped over the half-life', async (_, binary) => {
      const [a, b] = await start(binary, TTL);
      expect([await a.get(B), await b.get(A)]).toEqual(['200 I am b', '200 I am a']);
      const [firstA, firstB] = [await held(a), await held(b)];
      const stop = traffic(a, b);
      await sleep(Math.min(firstA.due, firstB.due) - BEFORE - Date.now());
      const ca = dev.info.ca.pid;
      process.kill(ca, 'SIGSTOP');
      try {
        await sleep(Math.max(firstA.due, firstB.due) + AFTER - Date.now());
        // Nothing can have been renewed: the stop covered both half-lives.
        expect([(await held(a)).serial, (await held(b)).serial]).toEqual([firstA.serial, firstB.serial]);
      } finally {
        process.kill(ca, 'SIGCONT');
      }
      await Promise.all([renewed(a, firstA), renewed(b, firstB)]);
      expect(failed(await stop())).toEqual([]);
    });

    test.each(each)(
      '%s loses no request when the CA is killed over the half-life and started again',
      async (_, binary) => {
        const [a, b] = await start(binary, TTL);
        expect([await a.get(B), await b.get(A)]).toEqual(['200 I am b', '200 I am a']);
        const [firstA, firstB] = [await held(a), await held(b)];
        const stop = traffic(a, b);
        await sleep(Math.min(firstA.due, firstB.due) - BEFORE - Date.now());
        const ca = dev.info.ca.pid;
        // The supervisor is stopped, too, or it would start another at once.
        process.kill(dev.supervisor, 'SIGSTOP');
        try {
          process.kill(ca, 'SIGKILL');
          await sleep(Math.max(firstA.due, firstB.due) + AFTER - Date.now());
          expect([(await held(a)).serial, (await held(b)).serial]).toEqual([firstA.serial, firstB.serial]);
        } finally {
          process.kill(dev.supervisor, 'SIGCONT');
        }
        await dev.replaced('ca', ca);
        await Promise.all([renewed(a, firstA), renewed(b, firstB)]);
        expect(failed(await stop())).toEqual([]);
      },
    );
  },
);

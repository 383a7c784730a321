import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Dev } from '../../support/dev.ts';
import { binaries, dedicatedBlocker, pairs, sayIfSkipped, type Binary } from './binaries.ts';
import { compileShim, Dedicated } from './dedicated.ts';
import { Folder } from './mesh.ts';
import { meshOf, workload } from './workloads.ts';

const [A, B] = [workload('a', 2), workload('b', 3)];

describe.skipIf(sayIfSkipped('dedicated', dedicatedBlocker()))('two dedicated ztunnels with our certificates', () => {
  let dev: Dev;
  let folder: Folder;
  let running: Dedicated[] = [];

  beforeAll(async () => {
    dev = await Dev.start({ pods: [A, B] });
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

  test.each(pairs(binaries()).map(([one, other]) => [one.name, other.name, one, other] as const))(
    '%s and %s pass an HTTP request both ways over HBONE',
    async (_, __, one, other) => {
      const shim = compileShim(folder);
      const start = (binary: Binary, own: typeof A): Promise<Dedicated> =>
        Dedicated.start({ binary, mesh: meshOf(dev), workload: own, peers: [A, B], secretTtl: '1h', shim }, folder);
      const [a, b] = [await start(one, A), await start(other, B)];
      running = [a, b];
      // To itself as well: one certificate as client and as server of the same handshake.
      const answers = [await a.get(B), await b.get(A), await a.get(A), await b.get(B)];
      if (answers.some((answer) => !answer.startsWith('200'))) console.log(`${a.log}\n${b.log}`);
      expect(answers).toEqual(['200 I am b', '200 I am a', '200 I am a', '200 I am b']);
      for (const [side, pod] of [[a, A] as const, [b, B] as const]) {
        const held = (await side.certificates()).find((each) => each.identity === dev.identity(pod));
        expect(held).toMatchObject({ state: 'Available' });
        expect(held?.certChain).toHaveLength(2);
        expect(held?.rootCerts).toHaveLength(1);
      }
    },
  );
});

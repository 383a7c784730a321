import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Dev } from '../../support/dev.ts';
import { binaries, sayIfSkipped, upgradeBlocker, upgrades } from './binaries.ts';
import { heldByAll, renewed } from './held.ts';
import { Lab } from './lab.ts';
import { aboutCertificates, failed, reasons, Traffic } from './traffic.ts';
import { meshOf, workload } from './workloads.ts';

const [A, B] = [workload('a', 2), workload('b', 3)];

describe.skipIf(sayIfSkipped('upgrade', upgradeBlocker()))(
  'a mesh whose ztunnels are replaced one after the other',
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

    test.each(upgrades(binaries()).map(([old, newer]) => [old.name, newer.name, old, newer] as const))(
      '%s to %s: requests succeed before, between and after, and none ever fails over a certificate',
      async (_, __, old, newer) => {
        // Each phase lasts until both have renewed in it, so that each generation meets the other's renewals as well.
        const options = { peers: [A, B], secretTtl: '20s' };
        const sides = [
          await lab.dedicated(old, meshOf(dev), A, options),
          await lab.dedicated(old, meshOf(dev), B, options),
        ];
        expect([await sides[0]!.get(B), await sides[1]!.get(A)]).toEqual(['200 I am b', '200 I am a']);
        const traffic = new Traffic(() => [
          [sides[0]!, B],
          [sides[1]!, A],
        ]);
        const replacements: { began: number; ended: number }[] = [];
        await renewed(sides, await heldByAll(sides));
        for (const [index, own] of [A, B].entries()) {
          const began = Date.now();
          await sides[index]!.stop();
          const next = await lab.dedicated(newer, meshOf(dev), own, options);
          sides[index] = next;
          // Its first request fetches its first certificate, and shows that it is there for the other.
          expect(await next.get(own)).toBe(`200 I am ${own.name}`);
          replacements.push({ began, ended: Date.now() });
          await renewed(sides, await heldByAll(sides));
        }
        const answers = await traffic.stop();

        const meanwhile = replacements.flatMap(({ began, ended }) =>
          answers.filter((answer) => answer.ended >= began && answer.began <= ended),
        );
        console.log(
          `upgrade ${old.name} to ${newer.name}: ${answers.length} requests, ${failed(answers).length} failed, all while a ztunnel was away`,
        );
        expect(lab.failures(answers.filter((answer) => !meanwhile.includes(answer)))).toEqual([]);
        expect(aboutCertificates(reasons(...sides))).toEqual([]);
      },
    );
  },
);

import { afterAll, beforeAll, expect, test } from 'vitest';
import { FAULTS, faultsOf, type Fault } from '../support/faults/fault.ts';
import { kill } from './kills.ts';
import { underLoad } from './row.ts';
import { Stand } from './stand.ts';
import { befall } from './wire.ts';

// The short form of `npm run chaos`: each fault once on each leg, at a step that differs from fault to fault.
const ONCE: readonly Fault[] = FAULTS.map((kind, index) => {
  const steps = faultsOf(kind);
  return steps[(index * 2) % steps.length]!;
});

let stand: Stand;
beforeAll(async () => {
  stand = await Stand.start(1);
});
afterAll(() => stand.stop());

test.each(['agent', 'CA'] as const)('no fault on the way to the %s costs a client its certificate', async (part) => {
  const result = await underLoad(stand, '', () => befall(stand, part, ONCE), 1_000);
  expect(result.wrong).toEqual([]);
  expect(result.times).toBe(ONCE.length);
});

test('after SIGKILLs of agent and CA under load the ledger has what the clients hold', async () => {
  const result = await underLoad(stand, '', () => kill(stand, 4, Infinity));
  expect(result.wrong).toEqual([]);
  expect(result.times).toBe(4);
});

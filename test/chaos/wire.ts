import { FAULTS, faultsOf, type Fault, type FaultKind } from '../support/faults/fault.ts';
import { until } from '../support/processes.ts';
import { underLoad, type Row } from './row.ts';
import type { PartName, Stand } from './stand.ts';

const LEGS: readonly (readonly [PartName, string])[] = [
  ['agent', 'client ↔ agent'],
  ['CA', 'agent ↔ CA'],
];
const STEP_LIMIT = 40_000;
/** A black hole ends when the far side's deadline or the client's patience does; it is short here, so that the run is. */
const PATIENCE = 8_000;

/** @param every one fault of this kind per step, or a single one */
export async function befall(stand: Stand, part: PartName, faults: readonly Fault[]): Promise<number> {
  const proxy = stand.proxy(part);
  for (const fault of faults) {
    const before = proxy.done.length;
    proxy.arm(fault);
    // oxlint-disable-next-line no-await-in-loop -- one after another
    await until(`${fault.kind} at ${fault.step}`, STEP_LIMIT, () => proxy.done.length > before);
  }
  return faults.length;
}

const row = (kind: FaultKind, [part, leg]: readonly [PartName, string]): Row => ({
  name: `${kind} ${leg}`,
  run: (stand) => {
    const faults = faultsOf(kind);
    const steps = faults.map(({ step }) => step).join(', ');
    return underLoad(stand, steps, () => befall(stand, part, faults), PATIENCE);
  },
});

export const WIRE_ROWS: readonly Row[] = LEGS.flatMap((leg) => FAULTS.map((kind) => row(kind, leg)));

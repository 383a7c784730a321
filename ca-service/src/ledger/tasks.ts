import type { Schedule, TaskHandler } from '../storage/schedule.ts';
import type { Ledger } from './ledger.ts';
import { closeRun, MAX_RUN_RECORDS } from './serial_index.ts';
import { sweepCurrent, sweepLive } from './sweep.ts';

const HOUR_MS = 3_600_000;
/** After the hour, so that a clock that was set back a little does not add to a closed hour. */
const CLOSE_DELAY_MS = 60_000;
/** Between two slices: issuance goes first. */
const BREATH_MS = 250;

/** The ledger's housekeeping, in slices of a few milliseconds. */
export function ledgerTasks(
  storage: DurableObjectStorage,
  ledger: Ledger,
  now: () => number,
): Record<string, TaskHandler> {
  let position: { podUid: string; identity: string } | null = null;
  return {
    'close-history': () => {
      const more = closeRun(storage, ledger, now() - CLOSE_DELAY_MS);
      return more ? now() + BREATH_MS : nextHour(now()) + CLOSE_DELAY_MS;
    },
    // The position is lost with the object's memory; the sweep then begins anew, which costs nothing but time.
    'sweep-current': () => {
      position = sweepCurrent(storage.sql, position, now());
      if (position !== null) return now() + BREATH_MS;
      sweepLive(storage.sql, now());
      return now() + HOUR_MS;
    },
  };
}

/** Plans the housekeeping; with a ledger, only what cannot wait for its hour. */
export function planLedgerTasks(schedule: Schedule, now: number, ledger?: Ledger): void {
  if (ledger === undefined) {
    schedule.plan('close-history', nextHour(now) + CLOSE_DELAY_MS);
    schedule.plan('sweep-current', now + HOUR_MS);
  } else if (ledger.openRecords >= 2 * MAX_RUN_RECORDS) {
    schedule.plan('close-history', now);
  }
}

function nextHour(now: number): number {
  return (Math.floor(now / HOUR_MS) + 1) * HOUR_MS;
}

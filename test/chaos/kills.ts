import { sleep } from '../support/processes.ts';
import { underLoad, type Row } from './row.ts';
import type { Stand } from './stand.ts';

/** Ends agent and CA by turns, at moments that the seed draws. @returns how often */
export async function kill(stand: Stand, count: number, end: number): Promise<number> {
  let done = 0;
  for (; done < count && performance.now() < end; done++) {
    await sleep(stand.random.below(400));
    const part = done % 2 === 0 ? 'agent' : 'CA';
    await stand.end(part, 'SIGKILL');
    await stand.bring(part);
  }
  return done;
}

export const KILL_ROWS: readonly Row[] = [
  {
    name: 'SIGKILL by turns',
    run: (stand, minutes) =>
      underLoad(stand, 'agent and CA, at random moments', () => kill(stand, 100, performance.now() + minutes * 60_000)),
  },
];

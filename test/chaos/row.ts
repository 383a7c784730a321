import { Load } from './load.ts';
import type { Stand } from './stand.ts';

/** What the table says of one fault. */
export interface Result {
  done: string;
  times: number;
  saw: string;
  /** One sentence each; none is a pass. */
  wrong: string[];
  skipped?: string;
}

export interface Row {
  name: string;
  run(stand: Stand, minutes: number): Promise<Result>;
}

/** Clients renew while `trouble` happens; afterwards each must be answered again, and all that they hold is judged. */
export async function underLoad(
  stand: Stand,
  done: string,
  trouble: (load: Load) => Promise<number>,
  patience?: number,
  ahead?: number,
): Promise<Result> {
  const load = new Load(stand, patience, ahead);
  const wrong: string[] = [];
  let times = 0;
  try {
    await load.goesOn();
    times = await trouble(load);
    await load.goesOn();
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error));
  }
  wrong.push(...(await load.judge()));
  return { done, times, saw: load.saw, wrong };
}

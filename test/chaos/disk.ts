import { spawnSync } from 'node:child_process';
import { sleep } from '../support/processes.ts';
import { underLoad, type Result, type Row } from './row.ts';
import type { PartName } from './stand.ts';

const FULL_FOR = 8_000;
const canLimit = spawnSync('prlimit', ['--version']).status === 0;

/** RLIMIT_FSIZE with its signal ignored: every write beyond the first byte of a file fails, as on a disk without room. */
const full = (part: PartName): Row => ({
  name: `disk full for the ${part}`,
  run: async (stand): Promise<Result> => {
    if (!canLimit) return { done: '', times: 0, saw: '', wrong: [], skipped: 'there is no prlimit' };
    return underLoad(
      stand,
      `no write for ${FULL_FOR / 1000} s, then room again, no restart`,
      async (load) => {
        const pid = stand.pid(part);
        stand.limitFiles(part, 1);
        await sleep(1_000);
        const before = load.accepted.size;
        await sleep(FULL_FOR);
        // The agent's folder holds what it restarts with; what it signs needs none of it.
        if (part === 'agent' && load.accepted.size === before) throw new Error('the agent stopped signing');
        if (part === 'CA' && load.accepted.size > before) throw new Error('certificates came that cannot be recorded');
        stand.limitFiles(part, 'unlimited');
        await load.goesOn();
        if (stand.pid(part) !== pid) throw new Error(`the ${part} was restarted`);
        return 1;
      },
      60_000,
    );
  },
});

export const DISK_ROWS: readonly Row[] = [full('CA'), full('agent')];

import { sleep } from '../support/processes.ts';
import { underLoad, type Row } from './row.ts';

const AWAY = 12_000;

const outage = (name: string, signal: NodeJS.Signals, agentToo: NodeJS.Signals | null): Row => ({
  name,
  run: (stand) =>
    underLoad(
      stand,
      `CA ${signal}${agentToo === null ? '' : `, agent ${agentToo} meanwhile`}, ${AWAY / 1000} s`,
      async (load) => {
        const before = load.failures;
        await stand.end('CA', signal);
        await sleep(AWAY / 3);
        if (agentToo !== null) {
          await stand.end('agent', agentToo);
          await stand.bring('agent');
        }
        await sleep((AWAY * 2) / 3);
        if (agentToo === null && load.failures > before) throw new Error('a renewal failed while the CA was away');
        await stand.bring('CA');
        return 1;
      },
      60_000,
    ),
});

export const OUTAGE_ROWS: readonly Row[] = [
  outage('CA away', 'SIGKILL', null),
  outage('CA stopped', 'SIGTERM', null),
  outage('CA away, agent killed', 'SIGKILL', 'SIGKILL'),
  outage('CA away, agent ended', 'SIGTERM', 'SIGTERM'),
];

import { readFileSync } from 'node:fs';
import { sleep, until } from '../support/processes.ts';
import { underLoad, type Row } from './row.ts';

const MINUTES_3 = 180_000;
const NAMED = /clock/i;

/** workerd's clock cannot be set alone, so agent, clients and tokens are set the other way: only the difference counts. */
const clock = (name: string, agent: number, clients: number): Row => ({
  name,
  run: async (stand) => {
    stand.setAgentClock(clients);
    const result = await underLoad(
      stand,
      clients === 0 ? 'agent alone, under load' : 'agent and clients the other way',
      async (load) => {
        if (agent !== clients) stand.setAgentClock(agent);
        await sleep(5_000);
        await load.goesOn();
        await until('a line of the agent that names the clock', 20_000, () =>
          NAMED.test(readFileSync(stand.log('agent'), 'utf8')),
        );
        return 1;
      },
      undefined,
      clients,
    );
    if (result.wrong.length > 0) result.wrong.push(...refusals(readFileSync(stand.log('agent'), 'utf8')));
    return result;
  },
});

/** What the agent said of its refusals, each once. */
const refusals = (log: string): string[] => [
  ...new Set([...log.matchAll(/"reason":"([^"]*)"/g)].map(([, reason]) => `the agent: ${reason}`)),
];

export const CLOCK_ROWS: readonly Row[] = [
  clock('clock of the agent +3 min', MINUTES_3, 0),
  clock('clock of the agent -3 min', -MINUTES_3, 0),
  clock('clock of the CA +3 min', -MINUTES_3, -MINUTES_3),
  clock('clock of the CA -3 min', MINUTES_3, MINUTES_3),
];

import type { Dev } from '../support/dev.ts';
import { sleep, until } from '../support/processes.ts';
import type { BenchCaller } from './cases.ts';
import { H2Connection, type Target } from './h2_connection.ts';
import { residentMiB } from './memory.ts';

const CONNECTIONS = 1_000;
const CALLS = 8;
const LIMIT_MS = 120_000;
const STILL_MS = 3_000;

/** Resident memory of the agent with 1 000 × 8 calls held, MiB; and how many of them came to nothing when the CA was back. */
export async function measureHeld(
  dev: Dev,
  target: Target,
  callers: readonly BenchCaller[],
): Promise<{ miB: number; failed: number }> {
  let answered = 0;
  let failed = 0;
  const lost = Promise.withResolvers<never>();
  const connections: H2Connection[] = [];
  process.kill(dev.info.ca.pid, 'SIGSTOP');
  try {
    for (let index = 0; index < CONNECTIONS; index++) {
      const { blocks, calls } = callers[index % callers.length]!;
      const connection = await H2Connection.open(target, blocks, lost.reject);
      connections.push(connection);
      for (let call = 0; call < CALLS; call++) {
        const asked = calls[(Math.floor(index / callers.length) * CALLS + call) % calls.length]!;
        connection.send(asked.data, (message) => {
          answered++;
          if (message === undefined) failed++;
        });
      }
    }
    const held = until('all calls held', LIMIT_MS, async () => {
      const text = await (await fetch(dev.info.agent.metrics)).text();
      return Number(/^ambient_ca_agent_waiting (\d+)$/m.exec(text)?.[1]) === CONNECTIONS * CALLS;
    });
    await Promise.race([held, lost.promise]);
    await sleep(STILL_MS);
    const { peak } = residentMiB(dev.info.agent.pid);
    process.kill(dev.info.ca.pid, 'SIGCONT');
    await Promise.race([
      until('the answers of all held calls', LIMIT_MS, () => answered === CONNECTIONS * CALLS),
      lost.promise,
    ]);
    return { miB: peak, failed };
  } finally {
    process.kill(dev.info.ca.pid, 'SIGCONT');
    for (const connection of connections) connection.close();
  }
}

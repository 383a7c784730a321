import { H2Connection, type Target } from './h2_connection.ts';
import type { LoadResult } from './load.ts';
import type { BenchCaller } from './cases.ts';

/**
 * Requests at a fixed rate whatever the answers do, over the connections in turn. Latency counts from when a request was
 * due, not from when it could be sent: a server that stalls pays for everyone it keeps waiting.
 *
 * @param perSecond of all connections together
 */
export async function openLoop(
  target: Target,
  callers: readonly BenchCaller[],
  perSecond: number,
  forMs: number,
): Promise<LoadResult> {
  const result: LoadResult = { latencies: [], errors: 0, firstError: undefined, samples: [], elapsed: 0 };
  const broken = Promise.withResolvers<never>();
  const connections = await Promise.all(
    callers.map(async (caller) => ({
      caller,
      connection: await H2Connection.open(target, caller.blocks, broken.reject),
    })),
  );
  const begun = performance.now();
  const total = Math.floor((perSecond * forMs) / 1000);
  try {
    const finished = new Promise<void>((resolve) => {
      let sent = 0;
      let ended = 0;
      const sendDue = (): void => {
        const due = Math.min(total, Math.ceil(((performance.now() - begun) * perSecond) / 1000));
        for (; sent < due; sent++) {
          const dueAt = begun + (sent * 1000) / perSecond;
          const { caller, connection } = connections[sent % connections.length]!;
          const call = caller.calls[Math.floor(sent / connections.length) % caller.calls.length]!;
          connection.send(call.data, (message) => {
            if (message === undefined) {
              result.errors++;
              result.firstError ??= call;
            } else result.latencies.push(performance.now() - dueAt);
            if (++ended === total) resolve();
          });
        }
        if (sent < total) setTimeout(sendDue, 1);
      };
      sendDue();
    });
    await Promise.race([finished, broken.promise]);
    result.elapsed = performance.now() - begun;
  } finally {
    for (const { connection } of connections) connection.close();
  }
  return result;
}

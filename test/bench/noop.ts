import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { once as event } from 'node:events';
import { closedLoop, quantile } from './load.ts';
import { once, prebuild, ztunnelBlocks } from './material.ts';

export interface Noop {
  /** Milliseconds, one in flight, the median of `count` round trips after as many to warm up. */
  p50: (count: number) => Promise<number>;
  stop: () => void;
}

/** The bare server in a process of its own, as the agent is. */
export async function startNoop(): Promise<Noop> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'noop_server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await event(child.stdout, 'data')) as [Buffer];
  const { port, roots } = JSON.parse(line.toString('utf8')) as { port: number; roots: string };
  const target = { host: '127.0.0.1', port, serverName: 'localhost', roots };
  const blocks = ztunnelBlocks(`localhost:${port}`, 'x'.repeat(900), 'Kubernetes');
  const call = prebuild('spiffe://cluster.local/ns/default/sa/no-op');
  return {
    async p50(count) {
      const { latencies } = await closedLoop(
        target,
        [
          once(
            blocks,
            Array.from({ length: 2 * count }, () => call),
          ),
        ],
        1,
      );
      return quantile(latencies.slice(count), 0.5);
    },
    stop: () => child.kill(),
  };
}

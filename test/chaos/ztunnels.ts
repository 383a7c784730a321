import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Row } from './row.ts';

const ROOT = join(import.meta.dirname, '../..');

export const ZTUNNEL_ROWS: readonly Row[] = [
  {
    name: 'CA away, real ztunnels',
    run: () => {
      const result = {
        done: 'a fifth of the TTL; test/interop/ztunnel/outage',
        times: 0,
        saw: '',
        wrong: [] as string[],
      };
      if (!process.env['ZTUNNEL_BIN']) return Promise.resolve({ ...result, skipped: 'ZTUNNEL_BIN names no ztunnel' });
      const words = ['vitest', 'run', '--project', 'e2e', 'test/interop/ztunnel/outage'];
      const { status, stdout } = spawnSync('npx', words, { cwd: ROOT, encoding: 'utf8', timeout: 300_000 });
      if (status !== 0) return Promise.resolve({ ...result, wrong: [stdout.slice(-2_000)] });
      // A suite that skips itself ends well, too: only the lines of its measurement say that it ran.
      const said = stdout.split('\n').filter((line) => line.includes('outage of '));
      const skipped =
        stdout.split('\n').find((line) => line.includes('outage: ')) ?? 'the suite did not say that it ran';
      if (said.length === 0) return Promise.resolve({ ...result, skipped });
      return Promise.resolve({ ...result, times: 1, saw: 'no failed request' });
    },
  },
];

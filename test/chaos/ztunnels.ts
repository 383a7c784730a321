import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Row } from './row.ts';

const ROOT = join(import.meta.dirname, '../..');

export const ZTUNNEL_ROWS: readonly Row[] = [
  {
    name: 'CA away, real ztunnels',
    run: () => {
      const result = { done: 'a fifth of the TTL; test/interop/ztunnel/outage', times: 0, saw: '', wrong: [] };
      if (!process.env['ZTUNNEL_BIN']) return Promise.resolve({ ...result, skipped: 'ZTUNNEL_BIN names no ztunnel' });
      const words = ['vitest', 'run', '--project', 'e2e', 'test/interop/ztunnel/outage'];
      const { status, stdout } = spawnSync('npx', words, { cwd: ROOT, encoding: 'utf8', timeout: 300_000 });
      const said = stdout.split('\n').filter((line) => line.startsWith('outage of'));
      const wrong = status === 0 ? [] : [stdout.slice(-2_000)];
      return Promise.resolve({ ...result, times: 1, saw: said.length === 0 ? 'nothing' : 'no failed request', wrong });
    },
  },
];

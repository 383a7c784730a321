// npm run chaos [-- --minutes N] [--seed S] [--only NAME]: real agent and workerd under faults, one table, exit 1 when one fails.
import { parseArgs } from 'node:util';
import { table } from '../../cli/src/output/table.ts';
import { ROWS } from './rows.ts';
import { Stand } from './stand.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
});

const number = (name: 'minutes' | 'seed'): number => {
  const value = Number(values[name]);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${name} ${values[name]}: expected a number above 0`);
};
const [minutes, seed] = [number('minutes'), number('seed')];
const chosen = ROWS.filter(({ name }) => name.includes(values.only));
if (chosen.length === 0)
  throw new Error(`--only ${values.only}: expected a part of one of ${ROWS.map(({ name }) => name).join(', ')}`);

const rows: string[][] = [];
let current: Stand | null = null;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void (current?.stop() ?? Promise.resolve()).finally(() => process.exit(130)));
for (const row of chosen) {
  const stand = await Stand.start(seed);
  current = stand;
  try {
    const { done, times, saw, wrong, skipped } = await row.run(stand, minutes);
    const verdict = skipped === undefined ? (wrong.length === 0 ? 'pass' : 'FAIL') : `skipped: ${skipped}`;
    rows.push([row.name, done, String(times), saw, verdict]);
    console.log(`${row.name}: ${[verdict, ...wrong.slice(0, 5)].join('\n  ')}`);
    if (wrong.length > 0) process.exitCode = 1;
  } finally {
    await stand.stop();
  }
}
console.log(`\n${table(['fault', 'done', 'times', 'clients saw', 'verdict'], rows)}\nseed ${seed}`);

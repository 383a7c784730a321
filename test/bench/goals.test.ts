import { describe, expect, test } from 'vitest';
import { judge } from './goals.ts';
import { medianRow, printGoals, printRows, rowOf, type Row } from './report.ts';

const floors = { cryptoMicros: 100, noopP50: 0.2, fsyncP50: 0.2 };
const load = { errors: 0, firstError: undefined, samples: [], elapsed: 1_000, wall: 1_000 };
const rowsOf = (perSecond: number, cpu: number): Row[] =>
  ['one in flight', '8 connections x 8', '30 in series, fresh connection', 'storm'].map((name) => {
    const latencies = Array.from({ length: perSecond }, () => 2);
    return rowOf(
      name,
      { ...load, latencies, wall: name.startsWith('30') ? 90 : 1_000 },
      { agent: cpu, ca: cpu, generator: cpu },
      floors,
    );
  });

describe('the goals', () => {
  test('pass when each figure is at its limit or better', () => {
    const goals = judge(rowsOf(3_000, 3_000 * 225), floors);
    expect(goals.filter(({ pass }) => !pass)).toEqual([]);
  });

  test('fall short by a stated share of what was asked', () => {
    const goals = judge(rowsOf(2_000, 2_000 * 450), floors);
    const short = goals.filter(({ pass }) => !pass);
    expect(short.map(({ what, over }) => [what, Number(over.toFixed(2))])).toEqual([
      ['certificates/s, 8 x 8', 0.33],
      ['CPU of agent + CA / crypto floor, 8 x 8', 1],
    ]);
    expect(printGoals(goals)).toMatch(/certificates\/s, 8 x 8 +>= 3000 +2000 +falls short by 33 %/);
  });
});

describe('a row', () => {
  test('counts CPU per certificate, in floors, and the share of the generator', () => {
    const [row] = rowsOf(1_000, 100_000);
    expect(row).toMatchObject({ cpuAgent: 100, cpuCa: 100, cpuRatio: 2, perSecond: 1_000, p50: 2, p50ToNoop: 10 });
    expect(row?.generatorShare).toBeCloseTo(1 / 3);
    expect(printRows([row!], floors)).toContain('33 %');
  });

  test('over rounds is the median of each figure, and the sum of the errors', () => {
    const [base] = rowsOf(1_000, 100_000) as [Row];
    const rounds = [3, 1, 2].map((p50) => ({ ...base, p50, errors: 1 }));
    expect(medianRow(rounds)).toMatchObject({ p50: 2, errors: 3 });
  });
});

import { describe, expect, test } from 'vitest';
import type { Figures, Rows } from './figures.ts';
import { judge } from './goals.ts';
import { medianRow, printGoals, printRows, rowOf, type Row } from './report.ts';

const floors = { cryptoMicros: 100, noopP50: 0.2, fsyncP50: 0.2 };
const load = { errors: 0, firstError: undefined, samples: [], elapsed: 1_000, wall: 1_000 };
const rowOfCase = (name: string, perSecond: number, cpu: number, wall = 1_000): Row =>
  rowOf(
    name,
    { ...load, latencies: Array.from({ length: perSecond }, () => 2), wall },
    { agent: cpu, ca: cpu, generator: cpu },
    floors,
  );
const rowsOf = (perSecond: number, cpu: number): Rows => ({
  single: rowOfCase('one in flight', perSecond, cpu),
  steady: rowOfCase('8 connections x 8', perSecond, cpu),
  series: rowOfCase('30 in series', perSecond, cpu, 90),
  storm: rowOfCase('storm', perSecond, cpu),
});
const figuresOf = (ours: Rows): Figures => ({
  ours,
  floors,
  anchors: [],
  halfRate: 3,
  cold: 200,
  agent: { start: { listening: 250, idle: 95 }, peakMiB: 140, held: { miB: 300, failed: 0 } },
  million: null,
});
const shortOf = (figures: Figures): unknown[] =>
  judge(figures)
    .filter(({ pass }) => !pass)
    .map(({ what, over }) => [what, Number(over.toFixed(2))]);

describe('the goals', () => {
  test('pass when each figure is at its limit or better', () => {
    expect(shortOf(figuresOf(rowsOf(3_000, 3_000 * 200)))).toEqual([]);
  });

  test('fall short by a stated share of what was asked', () => {
    const figures = figuresOf(rowsOf(2_000, 2_000 * 450));
    expect(shortOf(figures)).toEqual([
      ['certificates/s, 8 x 8', 0.33],
      ['CPU of agent + CA / crypto floor, 8 x 8', 1],
      ['CPU of the agent alone / crypto floor', 1.25],
    ]);
    expect(printGoals(judge(figures))).toMatch(/certificates\/s, 8 x 8 +>= 3000 +2000 +falls short by 33 %/);
  });

  test('ask for no more than the p99 of the anchor, and for no growth, where these were measured', () => {
    const ours = rowsOf(3_000, 3_000 * 200);
    const anchored: Figures = {
      ...figuresOf(ours),
      anchors: [{ name: 'a peer', rows: ours, halfRate: 2 }],
      million: { certificates: 1_000_000, agentGrowthMiB: 10, caGrowthMiB: 0 },
    };
    expect(shortOf(anchored)).toEqual([
      ['p99 at half of its own maximum, against a peer at half of its', 0.5],
      ["growth of the agent's RSS over 1000000 certificates", 1],
    ]);
  });

  test('count the calls that failed while they were held as errors', () => {
    const figures = figuresOf(rowsOf(3_000, 3_000 * 200));
    const failed = { ...figures, agent: { ...figures.agent, held: { miB: 300, failed: 2 } } };
    expect(judge(failed).filter(({ pass }) => !pass)).toMatchObject([{ what: 'errors', measured: '2' }]);
  });
});

describe('a row', () => {
  test('counts CPU per certificate, in floors, and the share of the generator', () => {
    const row = rowOfCase('any', 1_000, 100_000);
    expect(row).toMatchObject({ cpuAgent: 100, cpuCa: 100, cpuRatio: 2, perSecond: 1_000, p50: 2, p50ToNoop: 10 });
    expect(row.generatorShare).toBeCloseTo(1 / 3);
    expect(printRows([row], floors)).toContain('33 %');
  });

  test('over rounds is the median of each figure, and the sum of the errors', () => {
    const base = rowOfCase('any', 1_000, 100_000);
    const rounds = [3, 1, 2].map((p50) => ({ ...base, p50, errors: 1 }));
    expect(medianRow(rounds)).toMatchObject({ p50: 2, errors: 3 });
  });
});

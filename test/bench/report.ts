import type { Ratios } from './baseline.ts';
import type { CaseResult } from './cases.ts';
import type { Cpu } from './cpu.ts';
import type { Floors } from './figures.ts';
import type { Goal } from './goals.ts';
import type { Cost } from './profile.ts';
import { quantile } from './load.ts';

/** One case of one round, or the medians over the rounds. Times in milliseconds, CPU in microseconds per certificate. */
export interface Row {
  name: string;
  certificates: number;
  errors: number;
  wall: number;
  perSecond: number;
  p50: number;
  p99: number;
  cpuAgent: number;
  cpuCa: number;
  /** Agent and CA together, in crypto floors of the same round. */
  cpuRatio: number;
  /** Of all CPU that was used; and in cores. */
  generatorShare: number;
  generatorCores: number;
  p50ToNoop: number;
}

export function rowOf(name: string, result: CaseResult, cpu: Cpu, floors: Floors): Row {
  const certificates = result.latencies.length;
  const p50 = quantile(result.latencies, 0.5);
  return {
    name,
    certificates,
    errors: result.errors,
    wall: result.wall,
    perSecond: certificates / (result.elapsed / 1000),
    p50,
    p99: quantile(result.latencies, 0.99),
    cpuAgent: cpu.agent / certificates,
    cpuCa: cpu.ca / certificates,
    cpuRatio: (cpu.agent + cpu.ca) / certificates / floors.cryptoMicros,
    generatorShare: cpu.generator / (cpu.agent + cpu.ca + cpu.generator),
    generatorCores: cpu.generator / 1000 / result.elapsed,
    p50ToNoop: p50 / floors.noopP50,
  };
}

/** The median of each figure; errors are added up. */
export function medianRow(rows: readonly Row[]): Row {
  const [first] = rows;
  if (first === undefined) throw new Error('no rounds');
  const names = Object.keys(first).filter((key): key is Exclude<keyof Row, 'name'> => key !== 'name');
  const medians = Object.fromEntries(
    names.map((key) => [
      key,
      quantile(
        rows.map((row) => row[key]),
        0.5,
      ),
    ]),
  );
  return { ...first, ...medians, errors: rows.reduce((sum, row) => sum + row.errors, 0) };
}

const ms = (value: number): string => (value < 100 ? value.toFixed(2) : value.toFixed(0));

export function printRows(rows: readonly Row[], floors: Floors): string {
  const head = [
    'case',
    'certs',
    'errors',
    'wall ms',
    'certs/s',
    'p50 ms',
    'p99 ms',
    'p50/no-op',
    'CPU us agent',
    'CA',
    '/floor',
    'generator CPU',
  ];
  const body = rows.map((row) => [
    row.name,
    String(row.certificates),
    String(row.errors),
    ms(row.wall),
    row.perSecond.toFixed(0),
    ms(row.p50),
    ms(row.p99),
    row.p50ToNoop.toFixed(1),
    row.cpuAgent.toFixed(0),
    row.cpuCa.toFixed(0),
    row.cpuRatio.toFixed(2),
    `${(row.generatorShare * 100).toFixed(0)} %, ${row.generatorCores.toFixed(2)} cores`,
  ]);
  const floor =
    `floors: P-256 verify + sign ${floors.cryptoMicros.toFixed(0)} us of CPU; no-op round trip p50 ${floors.noopP50.toFixed(2)} ms; ` +
    `8 KiB write + fsync p50 ${floors.fsyncP50.toFixed(2)} ms`;
  return `${floor}\n\n${table([head, ...body])}`;
}

export function printGoals(goals: readonly Goal[]): string {
  const body = goals.map(({ what, goal, measured, pass, over }) => [
    what,
    goal,
    measured,
    pass ? 'pass' : `falls short${Number.isFinite(over) && over > 0 ? ` by ${(over * 100).toFixed(0)} %` : ''}`,
  ]);
  return table([['goal', 'asked', 'measured', ''], ...body]);
}

export function printRatios(ratios: Ratios): string {
  return table([
    ['ratio, the lower the better', ''],
    ...Object.entries(ratios).map(([name, value]) => [name, value.toFixed(2)]),
  ]);
}

export function printCosts(process: string, costs: readonly Cost[]): string {
  return table([
    [`where the time of the ${process} goes`, ''],
    ...costs.map(({ cost, share }) => [cost, `${(share * 100).toFixed(0)} %`]),
  ]);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .map((line) => line.trimEnd())
    .join('\n');
}

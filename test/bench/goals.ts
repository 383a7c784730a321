import type { Row } from './report.ts';

export interface Goal {
  what: string;
  goal: string;
  measured: string;
  pass: boolean;
  /** How far from the goal, as a share of it; negative is better than asked. */
  over: number;
}

export interface Floors {
  /** CPU microseconds of one P-256 verification and signature. */
  cryptoMicros: number;
  /** Milliseconds. */
  noopP50: number;
  fsyncP50: number;
}

const LATENCY_ALLOWANCE_MS = 1.8;

/** The targets for two cores, the load generator included. */
export function judge(rows: readonly Row[], floors: Floors): Goal[] {
  const row = (name: string): Row => {
    const found = rows.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no case ${name}`);
    return found;
  };
  const [single, steady, series, storm] = [
    row('one in flight'),
    row('8 connections x 8'),
    row('30 in series, fresh connection'),
    row('storm'),
  ];
  const latencyGoal = floors.noopP50 + floors.fsyncP50 + LATENCY_ALLOWANCE_MS;
  return [
    atLeast('certificates/s, 8 x 8', steady.perSecond, 3_000, ''),
    atMost('CPU of agent + CA / crypto floor, 8 x 8', steady.cpuRatio, 4.5, 'x'),
    atMost('p50 one in flight: no-op + fsync + 1.8 ms', single.p50, latencyGoal, 'ms'),
    atMost('30 in series', series.wall, 100, 'ms'),
    atMost('storm', storm.wall, 4_000, 'ms'),
    atMost(
      'errors',
      rows.reduce((sum, each) => sum + each.errors, 0),
      0,
      '',
    ),
  ];
}

const shown = (value: number, unit: string): string =>
  `${value.toFixed(value < 10 && unit !== '' ? 2 : 0)} ${unit}`.trim();

function atMost(what: string, measured: number, limit: number, unit: string): Goal {
  const over = limit === 0 ? measured : measured / limit - 1;
  return { what, goal: `<= ${shown(limit, unit)}`, measured: shown(measured, unit), pass: measured <= limit, over };
}

function atLeast(what: string, measured: number, limit: number, unit: string): Goal {
  return {
    what,
    goal: `>= ${shown(limit, unit)}`,
    measured: shown(measured, unit),
    pass: measured >= limit,
    over: 1 - measured / limit,
  };
}

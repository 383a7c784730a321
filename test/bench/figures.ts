import type { AgentStart } from './agent_start.ts';
import type { Ratios } from './baseline.ts';
import type { CaseName } from './cases.ts';
import type { Row } from './report.ts';

export interface Floors {
  /** CPU microseconds of one P-256 verification and signature. */
  cryptoMicros: number;
  /** Milliseconds. */
  noopP50: number;
  fsyncP50: number;
}

export type Rows = Readonly<Record<CaseName, Row>>;

/** What the same load came to with another CA. */
interface AnchorFigures {
  name: string;
  rows: Rows;
  /** p99 at half of its own rate. */
  halfRate: number;
}

/** Everything a run has measured; times in milliseconds. */
export interface Figures {
  ours: Rows;
  floors: Floors;
  anchors: readonly AnchorFigures[];
  /** p99 of an open loop at half of the rate that 8 x 8 reached. */
  halfRate: number;
  /** The first node's cold start, on an agent and a CA that have issued nothing. */
  cold: number;
  agent: { start: AgentStart; peakMiB: number; held: { miB: number; failed: number } };
  million: { certificates: number; agentGrowthMiB: number; caGrowthMiB: number } | null;
}

/** Ours in floors and in anchors, each the better the lower. */
export function ratiosOf({ ours, floors, anchors, halfRate }: Figures): Ratios {
  const { single, steady, series, storm } = ours;
  const toFloor = {
    'CPU of agent + CA ÷ floor, 8 x 8': steady.cpuRatio,
    'CPU of the agent ÷ floor, 8 x 8': steady.cpuAgent / floors.cryptoMicros,
    'p50 one in flight ÷ no-op round trip': single.p50 / floors.noopP50,
  };
  const toAnchors = anchors.flatMap(({ name, rows, halfRate: theirHalfRate }) =>
    Object.entries({
      'time per certificate, 8 x 8': rows.steady.perSecond / steady.perSecond,
      'CPU, 8 x 8': steady.cpuRatio / rows.steady.cpuRatio,
      '30 in series': series.wall / rows.series.wall,
      storm: storm.wall / rows.storm.wall,
      'p99 at half the rate': halfRate / theirHalfRate,
    }).map(([what, ratio]): [string, number] => [`${what} ÷ ${name}`, ratio]),
  );
  return { ...toFloor, ...Object.fromEntries(toAnchors) };
}

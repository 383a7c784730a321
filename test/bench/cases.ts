import type { Target } from './h2_connection.ts';
import type { HeaderBlocks } from './h2_frames.ts';
import { closedLoop, quantile, type Call, type LoadResult } from './load.ts';
import { once, until } from './material.ts';

/** A node's ztunnel and the requests it can make. */
export interface BenchCaller {
  blocks: HeaderBlocks;
  calls: readonly Call[];
}

export interface Scale {
  /** Certificates asked for one after another. */
  single: number;
  /** Milliseconds of the case 8 × 8. */
  steadyMs: number;
  /** Nodes that start cold, one after another. */
  series: number;
  /** Connections of the storm, each with all identities of its node. */
  storm: number;
}

export type CaseName = 'single' | 'steady' | 'series' | 'storm';

export interface Case {
  key: CaseName;
  name: string;
  run: (target: Target, callers: readonly BenchCaller[], scale: Scale) => Promise<CaseResult>;
}

export interface CaseResult extends LoadResult {
  /** Of the case as a whole; for the series the median of the nodes. Milliseconds. */
  wall: number;
}

const IDENTITIES_IN_SERIES = 30;

export const CASES: readonly Case[] = [
  {
    key: 'single',
    name: 'one in flight',
    async run(target, callers, scale) {
      const { blocks, calls } = at(callers, 0);
      const load = await closedLoop(target, [once(blocks, cycle(calls, scale.single))], 1);
      return { ...load, wall: load.elapsed };
    },
  },
  {
    key: 'steady',
    name: '8 connections x 8',
    async run(target, callers, scale) {
      const end = performance.now() + scale.steadyMs;
      const nodes = callers.slice(0, 8).map(({ blocks, calls }) => until(blocks, calls, end));
      const load = await closedLoop(target, nodes, 8);
      return { ...load, wall: load.elapsed };
    },
  },
  {
    key: 'series',
    name: '30 in series, fresh connection',
    async run(target, callers, scale) {
      const walls: number[] = [];
      const all: LoadResult = { latencies: [], errors: 0, firstError: undefined, samples: [], elapsed: 0 };
      for (let node = 0; node < scale.series; node++) {
        const { blocks, calls } = at(callers, node);
        const load = await closedLoop(target, [once(blocks, cycle(calls, IDENTITIES_IN_SERIES))], 1);
        walls.push(load.elapsed);
        all.latencies.push(...load.latencies);
        all.samples.push(...load.samples);
        all.errors += load.errors;
        all.firstError ??= load.firstError;
        all.elapsed += load.elapsed;
      }
      return { ...all, wall: quantile(walls, 0.5) };
    },
  },
  {
    key: 'storm',
    name: 'storm',
    async run(target, callers, scale) {
      const nodes = callers.slice(0, scale.storm).map(({ blocks, calls }) => once(blocks, calls));
      const load = await closedLoop(target, nodes, 8);
      return { ...load, wall: load.elapsed };
    },
  },
];

/** Before anything else was asked: the milliseconds of the first node's cold start, on code that has never run. */
export async function coldStart(target: Target, callers: readonly BenchCaller[]): Promise<number> {
  const series = CASES.find(({ key }) => key === 'series');
  const result = await series?.run(target, callers.slice(-1), { single: 0, steadyMs: 0, series: 1, storm: 0 });
  return result?.wall ?? Number.NaN;
}

const cycle = (calls: readonly Call[], count: number): Call[] => Array.from({ length: count }, (_, i) => at(calls, i));

function at<T>(list: readonly T[], index: number): T {
  const found = list[index % list.length];
  if (found === undefined) throw new Error('nothing to ask for');
  return found;
}

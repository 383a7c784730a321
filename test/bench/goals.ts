import type { Figures } from './figures.ts';

export interface Goal {
  what: string;
  goal: string;
  measured: string;
  pass: boolean;
  /** How far from the goal, as a share of it; negative is better than asked. */
  over: number;
}

const LATENCY_ALLOWANCE_MS = 1.8;
const PEER = 'istiod';

/** The targets for two cores, the load generator included. */
export function judge({ ours, floors, anchors, agent, halfRate, million }: Figures): Goal[] {
  const { single, steady, series, storm } = ours;
  const latencyGoal = floors.noopP50 + floors.fsyncP50 + LATENCY_ALLOWANCE_MS;
  // The real peer where it is there: the other does less than any CA does.
  const peer = anchors.find(({ name }) => name === PEER) ?? anchors[0];
  const errors = Object.values(ours).reduce((sum, each) => sum + each.errors, 0);
  return [
    atLeast('certificates/s, 8 x 8', steady.perSecond, 3_000, ''),
    atMost('CPU of agent + CA / crypto floor, 8 x 8', steady.cpuRatio, 4.5, 'x'),
    atMost('CPU of the agent alone / crypto floor', steady.cpuAgent / floors.cryptoMicros, 2, 'x'),
    atMost('p50 one in flight: no-op + fsync + 1.8 ms', single.p50, latencyGoal, 'ms'),
    atMost('30 in series', series.wall, 100, 'ms'),
    atMost('storm', storm.wall, 4_000, 'ms'),
    atMost('start of the agent to listening', agent.start.listening, 250, 'ms'),
    atMost('RSS of the agent, idle', agent.start.idle, 95, 'MiB'),
    atMost('RSS of the agent, highest under these loads', agent.peakMiB, 140, 'MiB'),
    atMost('RSS of the agent, 1 000 x 8 calls held', agent.held.miB, 300, 'MiB'),
    ...(peer === undefined
      ? []
      : [atMost(`p99 at half of its own maximum, against ${peer.name} at half of its`, halfRate, peer.halfRate, 'ms')]),
    ...(million === null
      ? []
      : [
          atMost(
            `growth of the agent's RSS over ${million.certificates} certificates`,
            million.agentGrowthMiB,
            5,
            'MiB',
          ),
        ]),
    atMost('errors', errors + agent.held.failed, 0, ''),
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

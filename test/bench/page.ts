import type { Ratios } from './baseline.ts';
import type { Figures, Rows } from './figures.ts';
import type { Goal } from './goals.ts';
import type { Cost } from './profile.ts';

export interface Machine {
  date: string;
  commit: string;
  cores: number;
  processor: string;
  memoryGiB: number;
  /** Name and version of each. */
  versions: Readonly<Record<string, string>>;
}

export interface Page {
  machine: Machine;
  rounds: number;
  figures: Figures;
  goals: readonly Goal[];
  ratios: Ratios;
  costs: { agent: readonly Cost[]; ca: readonly Cost[] } | null;
}

const COSTS_SHOWN = 6;

/** What each anchor is and does. */
const ANCHORS: Readonly<Record<string, string>> = {
  'grpc-go':
    "`test/bench/anchor`: a plain CA on grpc-go in one process. It checks the token and the CSR's signature and signs; it keeps no record, " +
    'has no second hop, no node authorization, no limits, and does not verify what it made.',
  istiod:
    'The real istiod at its best: a P-256 intermediate, its limits on the API server lifted, before a real kube-apiserver that has every pod of the benchmark and ' +
    'reviews the token of each request. It keeps no record. CPU is that of istiod and API server.',
};

/** docs/BENCHMARKS.md, whole: it is written by the run and by nothing else. */
export function benchmarksPage({ machine, rounds, figures, goals, ratios, costs }: Page): string {
  const { ours, floors, anchors, cold } = figures;
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const parts = [
    '# Benchmarks',
    'Written by `npm run bench -- --write-docs`; edits are lost.',
    `${machine.date}, commit ${machine.commit}. ${machine.cores} cores (${machine.processor}), ${machine.memoryGiB.toFixed(0)} GiB; ${versions.join(', ')}. ` +
      `Agent, CA, load generator and anchors share the cores. Medians of ${rounds} interleaved rounds.`,
    '## What was measured',
    'The whole path as `npm start` brings it up: TLS gRPC calls as a ztunnel makes them, by impersonation, to the agent, in batches to the CA on workerd, ' +
      'recorded with fsync before each answer, and verified by the agent. The load generator is a bare HTTP/2 client of its own; a sample of the answers is verified.',
    `The floors of the same rounds: ${floors.cryptoMicros.toFixed(0)} µs of CPU for one P-256 verification and one signature (what no CA can do without), ` +
      `${floors.noopP50.toFixed(2)} ms for a round trip to a gRPC server that does nothing, ${floors.fsyncP50.toFixed(2)} ms for a write of 8 KiB with fsync.`,
    table(
      [
        'ambient-ca',
        'certificates/s',
        'wall ms',
        'p50 ms',
        'p99 ms',
        'CPU µs agent',
        'CPU µs CA',
        'CPU ÷ floor',
        'errors',
      ],
      rowsOf(ours, (row) => [row.cpuAgent.toFixed(0), row.cpuCa.toFixed(0)]),
    ),
    `A node's first 30 certificates on an agent and a CA that have run nothing yet: ${cold.toFixed(0)} ms.`,
    ...(anchors.length === 0 ? ['No anchor was there to compare with.'] : []),
    ...anchors.flatMap(({ name, rows, halfRate }) => [
      ANCHORS[name] ?? '',
      table(
        [name, 'certificates/s', 'wall ms', 'p50 ms', 'p99 ms', 'CPU µs', 'CPU ÷ floor', 'errors'],
        rowsOf(rows, (row) => [(row.cpuAgent + row.cpuCa).toFixed(0)]),
      ),
      `p99 at half of its own rate: ${halfRate.toFixed(1)} ms; ours at half of ours: ${figures.halfRate.toFixed(1)} ms.`,
    ]),
    '## Goals',
    table(
      ['goal', 'asked', 'measured', ''],
      goals.map(({ what, goal, measured, pass, over }) => [
        what,
        goal.replace('<=', '≤').replace('>=', '≥'),
        measured,
        pass ? 'met' : `short by ${(over * 100).toFixed(0)} %`,
      ]),
    ),
    '## Ratios',
    'The lower the better. A run that is more than 15 % worse in one of them than `test/bench/baseline.json` says so and exits 1.',
    table(
      ['ratio', 'this run'],
      Object.entries(ratios).map(([name, value]) => [name, value.toFixed(2)]),
    ),
    ...(costs === null
      ? []
      : [
          '## Where the time goes',
          'By CPU profile under the load of 8 connections × 8, as shares of the main thread that was not idle.',
          table(['agent', 'share'], shares(costs.agent)),
          table(['CA', 'share'], shares(costs.ca)),
        ]),
    '## How to repeat',
    '```sh\nnpm run bench                       # rounds, goals, ratios, comparison with the baseline\nnpm run bench -- --quick            # one short round\n' +
      'npm run bench -- --profile          # and where the time goes\nnpm run bench -- --million          # and whether a million certificates leave something behind\n' +
      'npm run bench -- --write-docs       # and this page\nnpm run bench -- --save-baseline    # and what later runs are compared with\n```',
    'The plain anchor is built by the Go on the machine, or named by `ANCHOR_BIN`; istiod is named by `ISTIOD_BIN`, with `KUBEBUILDER_ASSETS` for a folder with ' +
      'etcd and kube-apiserver. Without them the run goes on and says so. ' +
      'CPU per certificate moves by up to 40 % with what the neighbours of a shared machine do: the ratios are what counts.',
  ];
  return `${parts.join('\n\n')}\n`;
}

function rowsOf(rows: Rows, cpu: (row: Rows['single']) => string[]): string[][] {
  return Object.values(rows).map((row) => [
    row.name,
    row.perSecond.toFixed(0),
    row.wall.toFixed(0),
    row.p50.toFixed(2),
    row.p99.toFixed(2),
    ...cpu(row),
    row.cpuRatio.toFixed(2),
    String(row.errors),
  ]);
}

const shares = (costs: readonly Cost[]): string[][] =>
  costs.slice(0, COSTS_SHOWN).map(({ cost, share }) => [cost, `${(share * 100).toFixed(0)} %`]);

/** Markdown as the formatter leaves it: columns padded, the first to the left. */
function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) => Math.max(3, cell.length, ...body.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

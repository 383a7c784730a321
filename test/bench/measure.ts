import { Ztunnel } from '../support/client/ztunnel.ts';
import type { Dev } from '../support/dev.ts';
import { measureStarts } from './agent_start.ts';
import type { Anchor } from './anchor.ts';
import { CASES, coldStart, type BenchCaller, type CaseName, type CaseResult, type Scale } from './cases.ts';
import { cpuMark, cpuSince, type Pids } from './cpu.ts';
import type { Figures, Floors, Rows } from './figures.ts';
import { cryptoFloor, fsyncFloor } from './floors.ts';
import type { Target } from './h2_connection.ts';
import { measureHeld } from './held.ts';
import { quantile } from './load.ts';
import { prebuild, sampleFault, ztunnelBlocks, type BenchNode } from './material.ts';
import { residentMiB, resetPeak } from './memory.ts';
import { measureMillion } from './million.ts';
import type { Noop } from './noop.ts';
import { openLoop } from './open_loop.ts';
import { medianRow, rowOf, type Row } from './report.ts';

export interface Bench {
  dev: Dev;
  nodes: readonly BenchNode[];
  noop: Noop;
  anchors: readonly Anchor[];
  say: (line: string) => void;
}

export interface Plan {
  scale: Scale;
  rounds: number;
  million: boolean;
}

/** A CA before the load generator. */
interface Subject {
  name: string;
  target: Target;
  callers: readonly BenchCaller[];
  pids: Pids;
}

const WARM_UP: Scale = { single: 200, steadyMs: 4_000, series: 1, storm: 20 };
const HALF_RATE_MS = 3_000;
const HALF_RATE_CONNECTIONS = 8;

/** Everything, in rounds in which each CA has its turn, so that what the machine does meanwhile falls on all alike. */
export async function measure(bench: Bench, { scale, rounds, million }: Plan): Promise<Figures> {
  const { dev, anchors, noop, say } = bench;
  const start = await measureStarts(dev);
  say(`an agent listens after ${start.listening.toFixed(0)} ms and takes ${start.idle.toFixed(0)} MiB when idle`);
  const subjects = subjectsOf(bench);
  const [ours] = subjects;
  const cold = await coldStart(ours.target, ours.callers);
  say(`the first 30 in series, on a cold agent and CA: ${cold.toFixed(0)} ms`);
  // Not counted: what follows is about a service that has been up for a while.
  for (const { target, callers } of subjects) {
    for (const { run } of CASES) await run(target, callers, WARM_UP);
  }
  resetPeak(dev.info.agent.pid);
  const floors: Floors[] = [];
  const all: { subject: string; key: CaseName; row: Row }[] = [];
  for (let round = 1; round <= rounds; round++) {
    const floor = {
      cryptoMicros: cryptoFloor(300),
      noopP50: await noop.p50(300),
      fsyncP50: fsyncFloor(dev.folder, 200),
    };
    floors.push(floor);
    for (const { key, name, run } of CASES) {
      for (const subject of subjects) {
        const mark = cpuMark(subject.pids);
        const result = await run(subject.target, subject.callers, scale);
        all.push({ subject: subject.name, key, row: rowOf(name, result, cpuSince(mark, subject.pids), floor) });
        await check(bench, subject, name, result);
        say(`round ${round}/${rounds}: ${subject.name}, ${name}: ${result.latencies.length} certificates`);
      }
    }
  }
  const peakMiB = residentMiB(dev.info.agent.pid).peak;
  const rowsOf = (subject: string): Rows => rowsByCase(all.filter((each) => each.subject === subject));
  const [halfRate = Number.NaN, ...theirs] = await measureHalfRate(
    subjects,
    subjects.map(({ name }) => rowsOf(name)),
    rounds,
  );
  const held = await measureHeld(dev, ours.target, ours.callers);
  say(`with 1 000 x 8 calls held the agent took ${held.miB.toFixed(0)} MiB; ${held.failed} of them failed`);
  return {
    ours: rowsOf(ours.name),
    floors: {
      cryptoMicros: quantile(
        floors.map((floor) => floor.cryptoMicros),
        0.5,
      ),
      noopP50: quantile(
        floors.map((floor) => floor.noopP50),
        0.5,
      ),
      fsyncP50: quantile(
        floors.map((floor) => floor.fsyncP50),
        0.5,
      ),
    },
    anchors: anchors.map(({ name }, at) => ({ name, rows: rowsOf(name), halfRate: theirs[at] ?? Number.NaN })),
    halfRate,
    cold,
    agent: { start, peakMiB, held },
    million: million ? await measureMillion(dev, ours.target, ours.callers, say) : null,
  };
}

function subjectsOf({ dev, nodes, anchors, say }: Bench): [Subject, ...Subject[]] {
  const { host, port, serverName, roots } = dev.address;
  say(`making ${nodes.length * (nodes[0]?.pods.length ?? 0)} CSRs`);
  const calls = nodes.map(({ pods }) => pods.map((pod) => prebuild(dev.identity(pod))));
  const own = nodes.map(({ ztunnel }) => dev.token(ztunnel));
  const subject = (name: string, target: Target, pids: Pids, tokens: readonly string[] = own): Subject => ({
    name,
    target,
    pids,
    callers: tokens.map((token, index) => ({
      blocks: ztunnelBlocks(`${target.serverName}:${target.port}`, token, dev.info.clusterId),
      calls: calls[index] ?? [],
    })),
  });
  const ours = subject(
    'ambient-ca',
    { host, port, serverName, roots },
    { agent: dev.info.agent.pid, ca: dev.info.ca.pid },
  );
  return [ours, ...anchors.map(({ name, target, pids, tokens }) => subject(name, target, pids, tokens))];
}

function rowsByCase(rows: readonly { key: CaseName; row: Row }[]): Rows {
  const of = (key: CaseName): Row => medianRow(rows.filter((each) => each.key === key).map(({ row }) => row));
  return { single: of('single'), steady: of('steady'), series: of('series'), storm: of('storm') };
}

/** p99 of each at half of what it can do at most, in turns. */
async function measureHalfRate(subjects: readonly Subject[], rows: readonly Rows[], rounds: number): Promise<number[]> {
  const p99s = subjects.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, { target, callers }] of subjects.entries()) {
      const rate = (rows[index]?.steady.perSecond ?? Number.NaN) / 2;
      const { latencies } = await openLoop(target, callers.slice(0, HALF_RATE_CONNECTIONS), rate, HALF_RATE_MS);
      p99s[index]?.push(quantile(latencies, 0.99));
    }
  }
  return p99s.map((each) => quantile(each, 0.5));
}

/** @throws Error when an answer of the sample is wrong, or nothing was answered at all */
async function check(bench: Bench, { name: subject }: Subject, name: string, result: CaseResult): Promise<void> {
  if (result.errors > 0) bench.say(`${subject}, ${name}: ${result.errors} errors; ${await explain(bench, result)}`);
  if (result.latencies.length === 0) throw new Error(`${subject}, ${name}: not one certificate was issued`);
  const faults = result.samples.map((sample) => sampleFault(sample, Date.now())).filter((fault) => fault !== undefined);
  if (faults.length > 0)
    throw new Error(
      `${subject}, ${name}: ${faults.length} of ${result.samples.length} answers are wrong: ${faults[0]}`,
    );
}

/** A refusal has no text on the cheap path, so it is asked for once more by the client that reads everything. */
async function explain({ dev, nodes }: Bench, result: CaseResult): Promise<string> {
  const identity = result.firstError?.identity;
  const node = nodes.find(({ pods }) => pods.some((pod) => dev.identity(pod) === identity));
  if (identity === undefined || node === undefined) return 'no call failed';
  const client = new Ztunnel({ ...dev.address, mode: 'shared', token: () => dev.token(node.ztunnel) });
  try {
    await client.fetchCertificate(identity);
    return `${identity} succeeds now`;
  } catch (error) {
    return `${identity}: ${(error as Error).message}`;
  } finally {
    client.close();
  }
}

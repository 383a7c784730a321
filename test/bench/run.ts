// npm run bench [-- --quick] [-- --rounds N] [-- --json FILE]: measures the whole path, agent and CA as `npm start` brings them up.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { Ztunnel } from '../support/client/ztunnel.ts';
import { Dev } from '../support/dev.ts';
import { CASES, coldStart, type BenchCaller, type CaseResult, type Scale } from './cases.ts';
import { cpuMark, cpuSince } from './cpu.ts';
import { cryptoFloor, fsyncFloor } from './floors.ts';
import { judge, type Floors } from './goals.ts';
import type { Target } from './h2_connection.ts';
import { benchNodes, prebuild, sampleFault, ztunnelBlocks, type BenchNode } from './material.ts';
import { startNoop, type Noop } from './noop.ts';
import { medianRow, printGoals, printRows, rowOf, type Row } from './report.ts';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' }, json: { type: 'string' } },
});
const FULL: Scale = { single: 500, steadyMs: 4_000, series: 9, storm: 100 };
const QUICK: Scale = { single: 200, steadyMs: 2_000, series: 5, storm: 100 };
const scale = values.quick ? QUICK : FULL;
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
const NODES = 100;
const PODS_PER_NODE = 100;
const say = (line: string): void => console.log(line);

function callersOf(dev: Dev, nodes: readonly BenchNode[], authority: string): BenchCaller[] {
  return nodes.map(({ ztunnel, pods }) => ({
    blocks: ztunnelBlocks(authority, dev.token(ztunnel), dev.info.clusterId),
    calls: pods.map((pod) => prebuild(dev.identity(pod))),
  }));
}

async function floorsNow(noop: Noop, folder: string): Promise<Floors> {
  return { cryptoMicros: cryptoFloor(300), noopP50: await noop.p50(300), fsyncP50: fsyncFloor(folder, 200) };
}

/** A refusal has no text on the cheap path, so it is asked for once more by the client that reads everything. */
async function explain(dev: Dev, nodes: readonly BenchNode[], result: CaseResult): Promise<string> {
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

async function bench(
  dev: Dev,
  nodes: readonly BenchNode[],
  noop: Noop,
): Promise<{ rows: Row[]; floors: Floors[]; all: Row[]; cold: number }> {
  const { host, port, serverName, roots } = dev.address;
  const target: Target = { host, port, serverName, roots };
  say(`making ${NODES * PODS_PER_NODE} CSRs`);
  const callers = callersOf(dev, nodes, `${serverName}:${port}`);
  const pids = { agent: dev.info.agent.pid, ca: dev.info.ca.pid };
  const all: Row[] = [];
  const floors: Floors[] = [];
  const cold = await coldStart(target, callers);
  say(`the first 30 in series, on a cold agent and CA: ${cold.toFixed(0)} ms`);
  // Not counted: what follows is about a service that has been up for a while.
  for (const { run } of CASES) await run(target, callers, { single: 50, steadyMs: 1_000, series: 1, storm: 10 });
  for (let round = 1; round <= rounds; round++) {
    const floor = await floorsNow(noop, dev.folder);
    floors.push(floor);
    for (const { name, run } of CASES) {
      const mark = cpuMark(pids);
      const result = await run(target, callers, scale);
      all.push(rowOf(name, result, cpuSince(mark, pids), floor));
      if (result.errors > 0) say(`${name}: ${result.errors} errors; ${await explain(dev, nodes, result)}`);
      const faults = result.samples
        .map((sample) => sampleFault(sample, Date.now()))
        .filter((fault) => fault !== undefined);
      if (faults.length > 0)
        throw new Error(`${name}: ${faults.length} of ${result.samples.length} answers are wrong: ${faults[0]}`);
      say(
        `round ${round}/${rounds}: ${name}: ${result.latencies.length} certificates, ${result.samples.length} of them verified`,
      );
    }
  }
  return { rows: CASES.map(({ name }) => medianRow(all.filter((row) => row.name === name))), floors, all, cold };
}

const median = (list: readonly number[]): number =>
  list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;

const nodes = benchNodes(NODES, PODS_PER_NODE);
say(`${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version}; starting agent and CA`);
const dev = await Dev.start({ pods: nodes.flatMap(({ ztunnel, pods }) => [ztunnel, ...pods]) });
const noop = await startNoop();
try {
  const { rows, floors: each, all, cold } = await bench(dev, nodes, noop);
  const floors: Floors = {
    cryptoMicros: median(each.map((floor) => floor.cryptoMicros)),
    noopP50: median(each.map((floor) => floor.noopP50)),
    fsyncP50: median(each.map((floor) => floor.fsyncP50)),
  };
  const goals = judge(rows, floors);
  say(`\n${printRows(rows, floors)}\n\n${printGoals(goals)}`);
  if (values.json !== undefined) {
    writeFileSync(
      values.json,
      `${JSON.stringify({ node: process.version, cores: cpus().length, scale, rounds, floors, coldSeriesMs: cold, rows, goals, all }, null, 2)}\n`,
    );
  }
} finally {
  noop.stop();
  await dev.stop();
}

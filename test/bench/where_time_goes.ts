import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { commandOf } from '../support/agent_process.ts';
import type { Dev } from '../support/dev.ts';
import { run, until } from '../support/processes.ts';
import { CASES, type BenchCaller } from './cases.ts';
import { prebuild, ztunnelBlocks, type BenchNode } from './material.ts';
import { AGENT_COSTS, CA_COSTS, costsOf, profileDuring, type Cost } from './profile.ts';

const WARM_UP_MS = 6_000;
const PROFILED_MS = 6_000;
const LIMIT_MS = 30_000;

/** Profiles agent and CA under 8 connections × 8. It starts the CA anew, with an inspector, so it comes last. */
export async function whereTimeGoes(
  dev: Dev,
  nodes: readonly BenchNode[],
  root: string,
): Promise<{ agent: Cost[]; ca: Cost[] }> {
  const { host, port, serverName, roots } = dev.address;
  const callers = nodes.slice(0, 8).map(({ ztunnel, pods }): BenchCaller => ({
    blocks: ztunnelBlocks(`${serverName}:${port}`, dev.token(ztunnel), dev.info.clusterId),
    calls: pods.map((pod) => prebuild(dev.identity(pod))),
  }));
  const load = async (steadyMs: number): Promise<void> => {
    const target = { host, port, serverName, roots };
    await CASES.find(({ key }) => key === 'steady')?.run(target, callers, { single: 0, steadyMs, series: 0, storm: 0 });
  };
  const inspector = await inspectableCa(dev);
  try {
    await load(WARM_UP_MS);
    const agent = await profileDuring(await agentInspector(dev), () => load(PROFILED_MS));
    const ca = await profileDuring(inspector.url, () => load(PROFILED_MS));
    return {
      agent: costsOf(agent, join(root, 'dist/csr-agent/main.mjs'), AGENT_COSTS),
      ca: costsOf(ca, join(root, 'dist/ca-service/index.js'), CA_COSTS),
    };
  } finally {
    await inspector.stop();
    process.kill(dev.supervisor, 'SIGCONT');
  }
}

/** Node opens its inspector at SIGUSR1 and says where. */
async function agentInspector(dev: Dev): Promise<string> {
  process.kill(dev.info.agent.pid, 'SIGUSR1');
  return until('the inspector of the agent', LIMIT_MS, () => {
    return /Debugger listening on (ws:\S+)/.exec(readFileSync(join(dev.folder, 'agent.log'), 'utf8'))?.[1];
  });
}

/** workerd takes its inspector at the start only; the supervisor is stopped, or it would start another CA. */
async function inspectableCa(dev: Dev): Promise<{ url: string; stop: () => Promise<void> }> {
  const { program, args, env } = commandOf(dev.info.ca.pid);
  process.kill(dev.supervisor, 'SIGSTOP');
  process.kill(dev.info.ca.pid, 'SIGKILL');
  const port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address() as AddressInfo;
      server.close(() => resolve(free));
    });
  });
  const ca = run(program, [...args, `--inspector-addr=127.0.0.1:${port}`], {
    log: join(dev.folder, 'bench-ca.log'),
    env,
  });
  const url = await until('the inspector of the CA', LIMIT_MS, async () => {
    const listed = await fetch(`http://127.0.0.1:${port}/json`).catch(() => undefined);
    const [first] = ((await listed?.json()) ?? []) as { webSocketDebuggerUrl: string }[];
    return first?.webSocketDebuggerUrl;
  });
  return { url, stop: () => ca.stop() };
}

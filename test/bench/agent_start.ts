import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { commandOf } from '../support/agent_process.ts';
import type { Dev } from '../support/dev.ts';
import { run, sleep, tail } from '../support/processes.ts';
import { residentMiB } from './memory.ts';

export interface AgentStart {
  /** From the start of the process until a TCP connection is accepted, the median; milliseconds. */
  listening: number;
  /** MiB, of an agent that serves one node's pods and is asked for nothing. */
  idle: number;
}

const STARTS = 7;
const SETTLED_MS = 3_000;
const LIMIT_MS = 30_000;

/** Starts further agents as the one of `npm start` was started, each on a copy of its state, as after a restart of the pod. */
export async function measureStarts(dev: Dev): Promise<AgentStart> {
  const like = commandOf(dev.info.agent.pid);
  const pods = join(dev.folder, 'bench-pods.json');
  const listed = JSON.parse(readFileSync(dev.info.pods, 'utf8')) as { node: string }[];
  writeFileSync(pods, JSON.stringify(listed.filter(({ node }) => node === listed[0]?.node)));
  const times: number[] = [];
  let idle = Number.NaN;
  for (let start = 0; start < STARTS; start++) {
    const state = join(dev.folder, `bench-state-${start}`);
    cpSync(like.args.find((word) => word.startsWith('--state-dir='))?.slice('--state-dir='.length) ?? '', state, {
      recursive: true,
    });
    const port = await freePort();
    const own = {
      listen: `127.0.0.1:${port}`,
      'health-listen': '127.0.0.1:0',
      'metrics-listen': '127.0.0.1:0',
      'state-dir': state,
      'pods-file': pods,
    };
    const kept = like.args.filter((word) => !Object.keys(own).some((name) => word.startsWith(`--${name}=`)));
    const args = [...kept, ...Object.entries(own).map(([name, value]) => `--${name}=${value}`)];
    const began = performance.now();
    const agent = run(like.program, args, { log: join(dev.folder, 'bench-agent.log'), env: like.env });
    try {
      while (!(await accepts(port))) {
        if (agent.child.exitCode !== null || performance.now() - began > LIMIT_MS) {
          throw new Error(`an agent does not start:\n${tail(agent.log)}`);
        }
        await sleep(1);
      }
      times.push(performance.now() - began);
      if (start === STARTS - 1) {
        await sleep(SETTLED_MS);
        idle = residentMiB(agent.pid).now;
      }
    } finally {
      await agent.stop();
    }
  }
  return { listening: times.toSorted((a, b) => a - b)[Math.floor(STARTS / 2)] ?? Number.NaN, idle };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

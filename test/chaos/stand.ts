import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../fuzz/random.ts';
import { commandOf, type Command } from '../support/agent_process.ts';
import { Dev, newState, nodePods } from '../support/dev.ts';
import { FaultProxy } from '../support/faults/proxy.ts';
import { run, tail, until, type Running } from '../support/processes.ts';

const START_LIMIT = 60_000;
const HOOK = join(import.meta.dirname, 'agent_hook.mjs');

export type PartName = 'agent' | 'CA';

/** The agent and the CA of `npm start`, kept by us instead of its supervisor, with a proxy for faults before each. */
export class Stand {
  readonly dev: Dev;
  readonly random: Random;
  readonly ztunnel = NODE.ztunnel;
  readonly pods = NODE.pods;
  readonly #commands: Record<PartName, Command>;
  readonly #parts = new Map<PartName, Running>();
  #proxies: Record<PartName, FaultProxy> | null = null;

  private constructor(dev: Dev, commands: Record<PartName, Command>, seed: number) {
    this.dev = dev;
    this.#commands = commands;
    this.random = new Random(seed);
  }

  static async start(seed: number): Promise<Stand> {
    const folder = newState();
    try {
      const dev = await Dev.start({ pods: [NODE.ztunnel, ...NODE.pods], state: folder, minTtl: '20s' });
      const commands = { agent: commandOf(dev.info.agent.pid), CA: commandOf(dev.info.ca.pid) };
      await dev.stop();
      const stand = new Stand(dev, commands, seed);
      const uniform = (): number => stand.random.next() / 2 ** 32;
      stand.#proxies = {
        agent: await FaultProxy.start('client-agent', 0, uniform),
        CA: await FaultProxy.start('agent-CA', Number(new URL(dev.info.ca.url).port), uniform),
      };
      await stand.bring('CA');
      await stand.bring('agent');
      return stand;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The one before a part. */
  proxy(part: PartName): FaultProxy {
    if (this.#proxies === null) throw new Error('the proxies are not there yet');
    return this.#proxies[part];
  }

  pid(part: PartName): number {
    return this.#parts.get(part)?.pid ?? 0;
  }

  log(part: PartName): string {
    return join(this.dev.folder, `chaos-${part}.log`);
  }

  get address(): Dev['address'] {
    return { ...this.dev.address, port: this.proxy('agent').port };
  }

  async bring(part: PartName): Promise<void> {
    const { program, args, env } = this.#commands[part];
    const url = `http://127.0.0.1:${this.proxy('CA').port}`;
    if (part === 'CA') {
      // SIGXFSZ ends a process; a disk that is full only makes a write fail, and so does a limit whose signal is ignored.
      const words = ['-c', `trap '' XFSZ; exec "$0" "$@"`, program, ...args];
      this.#parts.set(part, run('sh', words, { log: this.log(part), env: { ...env, CA_URL: url } }));
      await until('the CA', START_LIMIT, () =>
        fetch(`${this.dev.info.ca.url}/healthz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
      return;
    }
    const own = ['ca-url', 'listen', 'health-listen', 'metrics-listen'];
    const kept = args.filter((word) => !own.some((name) => word.startsWith(`--${name}=`)));
    const zero = own.slice(1).map((name) => `--${name}=127.0.0.1:0`);
    const log = this.log(part);
    rmSync(log, { force: true });
    const hooked = { ...env, NODE_OPTIONS: `--import=${HOOK}`, CHAOS_SHIFT: this.#shiftFile };
    const running = run(program, [...kept, ...zero, `--ca-url=${url}`], { log, env: hooked });
    this.#parts.set(part, running);
    this.proxy(part).target = await until('the agent listens', START_LIMIT, () => {
      if (running.child.exitCode !== null) throw new Error(`the agent ended:\n${tail(log)}`);
      const line = /"port":(\d+),"message":"listening for the Istio CA gRPC API"/.exec(readLog(log));
      return line !== null && Number(line[1]);
    });
  }

  get #shiftFile(): string {
    return join(this.dev.folder, 'chaos-shift');
  }

  /** Sets the agent's clock, `ms` ahead of the machine's. */
  setAgentClock(ms: number): void {
    writeFileSync(this.#shiftFile, String(ms));
    process.kill(this.pid('agent'), 'SIGUSR2');
  }

  /** How much a part may write into one file from now on; `unlimited` gives the room back. @throws Error without prlimit */
  limitFiles(part: PartName, bytes: number | 'unlimited'): void {
    execFileSync('prlimit', ['--pid', String(this.pid(part)), `--fsize=${bytes}:unlimited`]);
  }

  /** Ends a part as `signal` ends it, and waits until it has gone. */
  async end(part: PartName, signal: NodeJS.Signals): Promise<void> {
    const running = this.#parts.get(part);
    if (running === undefined) return;
    running.child.kill(signal);
    await until(
      `the end of the ${part}`,
      START_LIMIT,
      () => running.child.exitCode !== null || running.child.signalCode !== null,
    );
    await running.stop(0);
    this.#parts.delete(part);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#parts.values()].map((part) => part.stop()));
    if (this.#proxies !== null) await Promise.all(Object.values(this.#proxies).map((proxy) => proxy.stop()));
    rmSync(this.dev.folder, { recursive: true, force: true });
  }
}

const NODE = nodePods(
  'node-1',
  Array.from({ length: 8 }, (_, index) => `sa-${index}`),
);

function readLog(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

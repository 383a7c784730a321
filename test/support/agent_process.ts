import { readFileSync, writeFileSync } from 'node:fs';
import type { Dev } from './dev.ts';
import { run, tail, until, type Running } from './processes.ts';

const START_LIMIT = 60_000;

export interface Command {
  program: string;
  args: string[];
  env: Record<string, string>;
}

/** How a process of ours was started, so that it can be started again with other settings. */
export function commandOf(pid: number): Command {
  const words = (name: string): string[] => readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0').slice(0, -1);
  const [program = '', ...args] = words('cmdline');
  const env = words('environ').map((pair): [string, string] => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return { program, args, env: Object.fromEntries(env) };
}

export interface AgentProcessOptions {
  /** File that it writes to. */
  log: string;
  /** In place of those of the same name that the agent of `npm start` has, as in `--min-tls=1.2`. */
  flags: readonly string[];
  env?: Record<string, string>;
}

/** One more agent, with the settings of the agent of `npm start` but for those it is given, and ports of its own. */
export class AgentProcess {
  readonly #running: Running;
  readonly #dev: Dev;

  private constructor(running: Running, dev: Dev) {
    this.#running = running;
    this.#dev = dev;
  }

  static start(like: Command, dev: Dev, { log, flags, env = {} }: AgentProcessOptions): AgentProcess {
    const ports = ['--listen=127.0.0.1:0', '--health-listen=127.0.0.1:0', '--metrics-listen=127.0.0.1:0'];
    const own = [...ports, ...flags];
    const named = new Set(own.map(nameOf));
    const kept = like.args.filter((word) => !named.has(nameOf(word)));
    writeFileSync(log, '');
    const { PATH = '' } = process.env;
    return new AgentProcess(run(like.program, [...kept, ...own], { log, env: { PATH, ...env } }), dev);
  }

  get pid(): number {
    return this.#running.pid;
  }

  get log(): string {
    return readFileSync(this.#running.log, 'utf8');
  }

  get exited(): Promise<number | null> {
    return this.#running.exited;
  }

  /** Where it serves the mesh, once it does. */
  async address(): Promise<Dev['address']> {
    const port = await until('the agent listens', START_LIMIT, () => {
      if (this.#running.child.exitCode !== null) throw new Error(`the agent ended:\n${tail(this.#running.log)}`);
      const line = /"port":(\d+),"message":"listening for the Istio CA gRPC API"/.exec(this.log);
      return line === null ? undefined : Number(line[1]);
    });
    return { ...this.#dev.address, port };
  }

  stop(): Promise<void> {
    return this.#running.stop();
  }
}

const nameOf = (flag: string): string => flag.slice(0, flag.indexOf('='));

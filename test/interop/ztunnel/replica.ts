import { cpSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dev } from '../../support/dev.ts';
import { run, tail, until, type Running } from '../../support/processes.ts';
import { agentLines, metric, type AgentLine } from './agent_log.ts';
import type { Folder } from './mesh.ts';

const START_LIMIT = 60_000;
const LONG_AGO = 600_000;

/**
 * One more agent beside that of `npm start`, with its settings but ports and a state folder of its own: a replica of the
 * Deployment. The state folder begins as a copy, which stands in for the Secret that all replicas read, and the pods are as old as
 * those of a cluster are, so that what they ask for counts as a renewal.
 */
export class Replica {
  readonly #running: Running;
  readonly port: number;
  readonly metrics: string;
  readonly health: string;

  private constructor(running: Running, ports: { listen: number; metrics: number; health: number }) {
    this.#running = running;
    this.port = ports.listen;
    this.metrics = `http://127.0.0.1:${ports.metrics}/metrics`;
    this.health = `http://127.0.0.1:${ports.health}/readyz`;
  }

  static async start(dev: Dev, name: string, folder: Folder): Promise<Replica> {
    const [program = '', ...args] = readFileSync(`/proc/${dev.info.agent.pid}/cmdline`, 'utf8')
      .split('\0')
      .slice(0, -1);
    const [script = '', ...flags] = args;
    const state = join(folder.path, `${name}-state`);
    cpSync(valueOf(flags, 'state-dir'), state, { recursive: true });
    const pods = join(folder.path, `${name}-pods.json`);
    writeFileSync(pods, readFileSync(valueOf(flags, 'pods-file')));
    utimesSync(pods, new Date(Date.now() - LONG_AGO), new Date(Date.now() - LONG_AGO));
    const own: Record<string, string> = {
      listen: '127.0.0.1:0',
      'health-listen': '127.0.0.1:0',
      'metrics-listen': '127.0.0.1:0',
      'state-dir': state,
      'pods-file': pods,
      'drain-grace': '10m',
    };
    const kept = flags.filter((flag) => !(nameOf(flag) in own));
    const log = folder.file(`${name}.log`, '');
    const running = run(program, [script, ...kept, ...Object.entries(own).map(([key, value]) => `--${key}=${value}`)], {
      log,
      env: { PATH: process.env['PATH'] },
    });
    try {
      return await until(`agent ${name}`, START_LIMIT, () => {
        if (running.child.exitCode !== null) throw new Error(`agent ${name} ended with ${running.child.exitCode}`);
        const text = readFileSync(log, 'utf8');
        const probes = /"health":(\d+),"metrics":(\d+)/.exec(text);
        const listening = /"port":(\d+),"message":"listening for the Istio CA gRPC API"/.exec(text);
        if (probes === null || listening === null) return undefined;
        const [health, metrics] = [Number(probes[1]), Number(probes[2])];
        return new Replica(running, { listen: Number(listening[1]), health, metrics });
      });
    } catch (error) {
      const said = tail(log);
      await running.stop();
      throw new Error(`agent ${name} does not start:\n${said}`, { cause: error });
    }
  }

  get lines(): AgentLine[] {
    return agentLines(this.#running.log);
  }

  /** Identities, in the order of the answers. */
  get issuedTo(): (string | undefined)[] {
    return this.lines.filter(({ message }) => message === 'issued').map(({ identity }) => identity);
  }

  /** Requests that wait for the CA; none once it has ended. */
  async waiting(): Promise<number> {
    return this.ended ? 0 : metric(this.metrics, 'ambient_ca_agent_waiting');
  }

  /** Calls for the trust document so far, which are also the probes of a CA that is away. */
  async probes(): Promise<number> {
    const text = await (await fetch(this.metrics)).text();
    const counts = text.matchAll(/^ambient_ca_agent_upstream_calls_total\{kind="trust",.*\} (\d+)$/gm);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  /** @returns the status of the readiness probe */
  async ready(): Promise<number> {
    return (await fetch(this.health)).status;
  }

  get ended(): boolean {
    return this.#running.child.exitCode !== null || this.#running.child.signalCode !== null;
  }

  /** As the kubelet does first. @returns the exit code, when it has ended */
  terminate(): Promise<number | null> {
    this.#running.child.kill('SIGTERM');
    return this.#running.exited;
  }

  stop(): Promise<void> {
    return this.#running.stop(1_000);
  }
}

const nameOf = (flag: string): string => flag.slice(2, flag.indexOf('='));

function valueOf(flags: readonly string[], name: string): string {
  const flag = flags.find((each) => nameOf(each) === name);
  if (flag === undefined) throw new Error(`the agent was started without --${name}`);
  return flag.slice(flag.indexOf('=') + 1);
}

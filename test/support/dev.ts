import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alive, run, tail, until, type Running } from './processes.ts';
import { podToken, type Pod, type TokenIssuer } from './token.ts';

/** DIR/dev.json of `ambient-ca dev start`. */
export interface DevInfo {
  trustDomain: string;
  cluster: string;
  clusterId: string;
  agent: { address: string; serverName: string; rootCert: string; pid: number; health: string; metrics: string };
  ca: { url: string; adminTokenFile: string; pid: number };
  tokens: { issuer: string; audience: string; keyFile: string; alg: string };
  pods: string;
}

export interface DevOptions {
  pods: readonly Pod[];
  /** A folder that outlives `stop`, to start again on. */
  state?: string;
  minTtl?: string;
  args?: readonly string[];
}

const ZTUNNEL_ACCOUNT = { namespace: 'istio-system', serviceAccount: 'ztunnel' } as const;
const CLI = join(import.meta.dirname, '../../cli/bin/ambient-ca.js');
const START_LIMIT = 180_000;
const STOP_LIMIT = 20_000;

/** The real thing: workerd and agent as `npm start` brings them up, joined by dev.json as any other program would. */
export class Dev {
  readonly #running: Running;
  readonly folder: string;
  readonly #ownsFolder: boolean;
  info: DevInfo;

  private constructor(running: Running, folder: string, ownsFolder: boolean, info: DevInfo) {
    this.#running = running;
    this.folder = folder;
    this.#ownsFolder = ownsFolder;
    this.info = info;
  }

  static async start(options: DevOptions): Promise<Dev> {
    const folder = options.state ?? newState();
    const pods = join(folder, 'test-pods.json');
    // A pod of a test may know more, such as its address; the file is strict.
    const listed = options.pods.map(({ namespace, name, uid, serviceAccount, node }) => ({
      namespace,
      name,
      uid,
      serviceAccount,
      node,
    }));
    writeFileSync(pods, JSON.stringify(listed));
    rmSync(join(folder, 'dev.json'), { force: true });
    const args = [CLI, 'dev', 'start', '--state', folder, '--port', '0', '--pods', pods];
    if (options.minTtl !== undefined) args.push('--min-ttl', options.minTtl);
    const running = run(process.execPath, [...args, ...(options.args ?? [])], { log: join(folder, 'start.log') });
    try {
      const info = await until('dev.json', START_LIMIT, () => {
        if (running.child.exitCode !== null) throw new Error(`dev start ended with ${running.child.exitCode}`);
        return readInfo(folder);
      });
      return new Dev(running, folder, options.state === undefined, info);
    } catch (error) {
      await running.stop();
      const said = tail(running.log);
      if (options.state === undefined) rmSync(folder, { recursive: true, force: true });
      throw new Error(`dev start failed:\n${said}`, { cause: error });
    }
  }

  /** The process that keeps the parts alive. */
  get supervisor(): number {
    return this.#running.pid;
  }

  get log(): string {
    return this.#running.log;
  }

  get rootPem(): string {
    return readFileSync(this.info.agent.rootCert, 'utf8');
  }

  get address(): { host: string; port: number; serverName: string; roots: string; clusterId: string } {
    const [host = '', port = ''] = this.info.agent.address.split(':');
    return {
      host,
      port: Number(port),
      serverName: this.info.agent.serverName,
      roots: this.rootPem,
      clusterId: this.info.clusterId,
    };
  }

  get issuer(): TokenIssuer {
    const { issuer, audience, keyFile, alg } = this.info.tokens;
    return { issuer, audience, alg, keyPem: readFileSync(keyFile, 'utf8') };
  }

  token(pod: Pod): string {
    return podToken(this.issuer, pod);
  }

  identity(pod: Pick<Pod, 'namespace' | 'serviceAccount'>): string {
    return `spiffe://${this.info.trustDomain}/ns/${pod.namespace}/sa/${pod.serviceAccount}`;
  }

  /** A GET of the admin API with the token of dev.json. @throws Error for a status other than 2xx */
  async admin(path: string): Promise<unknown> {
    const token = readFileSync(this.info.ca.adminTokenFile, 'utf8').trim();
    const answer = await fetch(`${this.info.ca.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Waits until the supervisor has started another process in place of `pid`, and takes the new dev.json. */
  async replaced(part: 'ca' | 'agent', pid: number): Promise<void> {
    this.info = await until(`another ${part} than ${pid}`, START_LIMIT, () => {
      const info = readInfo(this.folder);
      return info !== undefined && info[part].pid !== pid && alive(info[part].pid) && info;
    });
  }

  async stop(): Promise<void> {
    await this.#running.stop(STOP_LIMIT);
    // The parts have process groups of their own; one that was stopped or orphaned by a test must not stay.
    for (const { pid } of [this.info.agent, this.info.ca]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended, as it should.
      }
    }
    if (this.#ownsFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}

export const newState = (): string => mkdtempSync(join(tmpdir(), 'ambient-ca-e2e-'));

function readInfo(folder: string): DevInfo | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'dev.json'), 'utf8')) as DevInfo;
  } catch {
    return undefined;
  }
}

/** `<node>`'s ztunnel and pods, one per service account, in namespace `default`. */
export function nodePods(node: string, serviceAccounts: readonly string[]): { ztunnel: Pod; pods: Pod[] } {
  const ztunnel = { ...ZTUNNEL_ACCOUNT, name: `ztunnel-${node}`, uid: `uid-ztunnel-${node}`, node };
  const pods = serviceAccounts.map((serviceAccount) => {
    return { namespace: 'default', name: serviceAccount, uid: `uid-${node}-${serviceAccount}`, serviceAccount, node };
  });
  return { ztunnel, pods };
}

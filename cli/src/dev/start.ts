import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { AdminApi } from '../ca/api.ts';
import { nodeFetch } from '../ca/node_fetch.ts';
import { CliError } from '../errors.ts';
import { writeSecret, type Io } from '../io.ts';
import { agentPart } from './agent_part.ts';
import { buildStale } from './build.ts';
import { caPart, caUrlOf } from './ca_part.ts';
import { demonstrate, nextSteps } from './demonstration.ts';
import { removeDescriptor, writeDescriptor, type DevDescriptor } from './descriptor.ts';
import {
  adminToken,
  CLUSTER,
  CLUSTER_ID,
  developmentCluster,
  provision,
  SERVER_NAME,
  TOKEN_AUDIENCE,
  TRUST_DOMAIN,
  type Provisioned,
} from './development_cluster.ts';
import { assertNotRunning, endLeftovers, recordParts, releaseLock, takeLock } from './lock.ts';
import { Part, type PartSpec } from './part.ts';
import { devPaths, type DevPaths } from './paths.ts';
import { choosePorts, DEFAULT_PORT, type DevPorts } from './ports.ts';
import { prepareState, type DevOptions, type DevSettings } from './settings.ts';
import { TOKEN_ALG } from './token_issuer.ts';
import { waitFor } from './wait.ts';

export interface StartOptions extends DevOptions {
  state: string;
  port?: number;
}

const CA_PATIENCE_MS = 30_000;
const AGENT_PATIENCE_MS = 60_000;
/** The agent's drain of 2 s, and some. */
const STOP_GRACE_MS = 5_000;

/** Runs a development environment until a signal ends it. @throws CliError `dev-running`, `dev-state`, `dev-start`, … */
export async function startDevelopment(io: Io, options: StartOptions): Promise<void> {
  const paths = devPaths(io.cwd, options.state);
  const say = (line: string) => io.out(`${line}\n`);
  assertNotRunning(paths);
  const environment = new Environment(io, paths, say);
  const ended = signalled(io.now, () => environment.kill());
  try {
    await Promise.race([environment.bringUp(options), ended.then(() => undefined)]);
    await ended;
    say('\nstopping');
  } finally {
    await environment.stop();
  }
  say(`stopped; the state stays in ${paths.dir}`);
}

class Environment {
  readonly #io: Io;
  readonly #paths: DevPaths;
  readonly #say: (line: string) => void;
  /** In the order they were started. */
  readonly #parts: Part[] = [];
  #descriptor: DevDescriptor | null = null;
  #locked = false;
  #stopping = false;

  constructor(io: Io, paths: DevPaths, say: (line: string) => void) {
    this.#io = io;
    this.#paths = paths;
    this.#say = say;
  }

  async bringUp(options: StartOptions): Promise<void> {
    const { now } = this.#io;
    const known = existsSync(this.#paths.instanceId);
    this.#say('ambient-ca, development: a CA, its agent and a made-up cluster, reachable from this machine only');
    await buildStale((line) => this.#say(line), now);
    // Whatever is made from here on is readable by its owner only, by the parts as well.
    process.umask(0o077);
    const settings = await prepareState(this.#io.cwd, this.#paths, options);
    takeLock(this.#paths);
    this.#locked = true;
    await endLeftovers(this.#paths, this.#say, now);
    const ports = await choosePorts(options.port);
    if (options.port === undefined && ports.agent !== DEFAULT_PORT) {
      this.#say(`port ${DEFAULT_PORT} is taken; the agent gets ${ports.agent}`);
    }
    const provisioned = await this.#startCa(ports, settings);
    await this.#startAgent(ports, settings, provisioned);
    if (this.#stopping) return;

    this.#say(`state       ${this.#paths.dir}${known ? ' (kept from an earlier start)' : ' (new)'}`);
    const descriptor = this.#describe(ports, settings);
    this.#descriptor = descriptor;
    writeDescriptor(this.#paths, descriptor);
    this.#say(`\n${await demonstrate(descriptor, this.#io)}\n${nextSteps(descriptor, this.#paths, this.#io.cwd)}`);
  }

  async #startCa(ports: DevPorts, settings: DevSettings): Promise<Provisioned> {
    const { now } = this.#io;
    const url = caUrlOf(ports.ca);
    const part = this.#run(caPart(this.#paths, ports.ca));
    await waitFor(`${url}/healthz`, part, CA_PATIENCE_MS, now);
    const fetch = nodeFetch();
    if (!existsSync(this.#paths.instanceId)) {
      const bootstrapToken = readFileSync(this.#paths.bootstrapToken, 'utf8').trim();
      const answer = await new AdminApi({ url, token: bootstrapToken, fetch }).bootstrap('development');
      writeSecret(this.#paths.adminToken, `${answer.token}\n`);
      writeSecret(this.#paths.instanceId, `${answer.instanceId}\n`);
    }
    const api = new AdminApi({ url, token: adminToken(this.#paths), fetch });
    const provisioned = await provision(api, developmentCluster(this.#paths, settings));
    // What a client checks the agent's serving certificate by.
    writeFileSync(this.#paths.agentRoot, await api.bundlePem(TRUST_DOMAIN));
    const made = provisioned.made.length === 0 ? 'root and cluster as before' : `made: ${provisioned.made.join(', ')}`;
    this.#say(`the CA      ${url} (workerd, pid ${part.pid}); ${made}`);
    return provisioned;
  }

  async #startAgent(ports: DevPorts, settings: DevSettings, { roots }: Provisioned): Promise<void> {
    const pins = roots.map(({ fingerprint }) => fingerprint);
    const part = this.#run(agentPart(this.#paths, ports, settings, pins));
    await waitFor(`http://127.0.0.1:${ports.health}/readyz`, part, AGENT_PATIENCE_MS, this.#io.now);
    this.#say(`the agent   127.0.0.1:${ports.agent} (Istio CA gRPC API over TLS, pid ${part.pid})`);
  }

  #run(spec: PartSpec): Part {
    const part = new Part(spec, {
      say: (line) => this.#say(line),
      started: () => this.#partStarted(),
      now: this.#io.now,
    });
    this.#parts.push(part);
    if (this.#stopping) throw new CliError('dev-start', 'stopped while starting');
    part.start();
    return part;
  }

  /** Keeps what others read about our processes true after one was started again. */
  #partStarted(): void {
    const pids = this.#parts.flatMap(({ pid }) => (pid === null ? [] : [pid]));
    recordParts(this.#paths, pids);
    const [ca, agent] = this.#parts;
    const descriptor = this.#descriptor;
    if (descriptor === null || this.#stopping) return;
    descriptor.ca.pid = ca?.pid ?? descriptor.ca.pid;
    descriptor.agent.pid = agent?.pid ?? descriptor.agent.pid;
    writeDescriptor(this.#paths, descriptor);
  }

  #describe(ports: DevPorts, settings: DevSettings): DevDescriptor {
    const [ca, agent] = this.#parts;
    return {
      trustDomain: TRUST_DOMAIN,
      cluster: CLUSTER,
      clusterId: CLUSTER_ID,
      agent: {
        address: `127.0.0.1:${ports.agent}`,
        serverName: SERVER_NAME,
        rootCert: this.#paths.agentRoot,
        pid: agent?.pid ?? 0,
        health: `http://127.0.0.1:${ports.health}/readyz`,
        metrics: `http://127.0.0.1:${ports.metrics}/metrics`,
      },
      ca: { url: caUrlOf(ports.ca), adminTokenFile: this.#paths.adminToken, pid: ca?.pid ?? 0 },
      tokens: {
        issuer: settings.issuer,
        audience: TOKEN_AUDIENCE,
        keyFile: this.#paths.tokenKey,
        alg: TOKEN_ALG,
      },
      pods: settings.podsFile,
    };
  }

  /** Last started, first stopped: the agent drains while the CA is still there. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#locked) removeDescriptor(this.#paths);
    for (const part of this.#parts.toReversed()) {
      // oxlint-disable-next-line no-await-in-loop -- in order
      await part.stop(STOP_GRACE_MS);
    }
    if (this.#locked) releaseLock(this.#paths);
  }

  kill(): void {
    for (const part of this.#parts) part.kill();
  }
}

/** Ctrl-C arrives twice under npm, which passes on what the terminal has already sent to everybody. */
const SAME_SIGNAL_MS = 1_000;

/** Resolves at the first signal; a later one is impatience. */
function signalled(now: () => number, impatient: () => void): Promise<void> {
  return new Promise((resolve) => {
    let first: number | null = null;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        first ??= now();
        if (now() - first > SAME_SIGNAL_MS) impatient();
        else resolve();
      });
    }
  });
}

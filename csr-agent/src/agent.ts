import { KeySets } from './authenticate/key_sets.ts';
import { TokenAuthenticator } from './authenticate/token.ts';
import { Authorizer } from './authorize/impersonation.ts';
import type { AgentConfig } from './config/options.ts';
import { drainOnSignal } from './drain.ts';
import { createEdge } from './edge/index.ts';
import { GrpcFront } from './grpc/front.ts';
import { probeRoutes, serveHttp } from './http/server.ts';
import type { Logger } from './log.ts';
import { createMetrics, trustGauges } from './metrics.ts';
import { createObserver } from './observe.ts';
import { Pipeline } from './pipeline.ts';
import { PodFile } from './pods/file.ts';
import { printable } from './printable.ts';

/** Every reason why the agent cannot start, each a sentence. */
export class StartError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super('the agent cannot start');
    this.name = 'StartError';
    this.faults = faults;
  }
}

/**
 * Puts the agent together and starts it. It answers probes at once and mesh clients as soon as it has a serving
 * certificate; with the CA away and none stored it waits, unready, for as long as it takes.
 *
 * @throws StartError
 */
export async function startAgent(config: AgentConfig, log: Logger, exit: (code: number) => void): Promise<void> {
  const metrics = createMetrics();
  const faults: string[] = [];
  const pods = attempt(faults, '--pods-file', () => openPods(config, log, metrics.pods));
  const keySets = attempt(faults, '--jwks-file', () => openKeySets(config, log));
  const edge = attempt(faults, 'the way to the CA', () => createEdge({ config, log, metrics }));
  if (pods === null || keySets === null || edge === null) throw new StartError(faults);
  trustGauges(metrics.registry, () => edge.trust.current());

  const { trustDomain, trustedNodeAccounts, clusterId, tokenAudience, minTls, maxConnections, listen } = config;
  const pipeline = new Pipeline({
    authenticator: new TokenAuthenticator({ keySets, pods, audience: tokenAudience, now: () => edge.now() }),
    authorizer: new Authorizer({ trustDomain, trustedNodeAccounts, pods }),
    clusterId,
    signer: edge.signer,
  });
  const front = new GrpcFront({
    address: listen,
    log,
    server: { pipeline, observer: createObserver(log, metrics), minTls, maxConnections, now: Date.now },
    failed: () => exit(1),
  });

  const probes = probeRoutes(() => [
    ...front.blockers(),
    ...(edge.serving.current() === null ? [withoutServing(edge.state().trouble)] : []),
    ...(pods.synced ? [] : ['the list of pods is not complete yet']),
  ]);
  const scrape = async () => ({
    status: 200,
    type: metrics.registry.contentType,
    body: await metrics.registry.metrics(),
  });
  const health = await listening('--health-listen', serveHttp(config.healthListen, probes));
  const exposition = await listening('--metrics-listen', serveHttp(config.metricsListen, { '/metrics': scrape }));
  log.info({ health: health.port, metrics: exposition.port }, 'probes and metrics are served');

  drainOnSignal(front, config.drainGrace * 1000, log, {
    close: async () => {
      await edge.stop();
      for (const part of [pods, keySets, health.server, exposition.server]) part.close();
    },
    exit,
  });
  edge.serving.onChange((certificate) => front.serve(certificate));
  await edge.start().catch((error: unknown) => {
    throw new StartError([`--state-dir: ${textOf(error)}`]);
  });
  const stored = edge.serving.current();
  if (stored !== null) front.serve(stored);
}

const withoutServing = (trouble: string | null): string =>
  `no serving certificate that is valid now${trouble === null ? '' : `; ${printable(trouble)}`}`;

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function attempt<T>(faults: string[], what: string, open: () => T): T | null {
  try {
    return open();
  } catch (error) {
    faults.push(`${what}: ${textOf(error)}`);
    return null;
  }
}

async function listening<T>(flag: string, started: Promise<T>): Promise<T> {
  return started.catch((error: unknown) => {
    throw new StartError([`${flag}: ${textOf(error)}`]);
  });
}

function openPods({ podsFile }: AgentConfig, log: Logger, gauge: { set(pods: number): void }): PodFile {
  return new PodFile(podsFile, {
    loaded: (pods) => {
      gauge.set(pods);
      log.info({ podsFile, pods }, 'pods loaded');
    },
    failed: (error) => log.error({ podsFile, reason: error.message }, 'pods not loaded, the last good list stays'),
  });
}

function openKeySets({ jwksFile, tokenIssuer }: AgentConfig, log: Logger): KeySets {
  return new KeySets(jwksFile, tokenIssuer, {
    loaded: (path, keys) => log.info({ path, keys }, 'token keys loaded'),
    failed: (path, error) =>
      log.error({ path, reason: error.message }, 'token keys not loaded, the last good ones stay'),
  });
}

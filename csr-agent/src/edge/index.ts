import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { MAX_ANSWER_BYTES } from '../../../ca-service/src/client/protocol.ts';
import { nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { type Clock, jittered, systemClock } from '../clock.ts';
import type { AgentConfig } from '../config/options.ts';
import { ServingKeeper } from '../serving/keeper.ts';
import type { ServingCertificate } from '../serving/certificate.ts';
import { requestServing } from '../serving/request.ts';
import { Skew } from '../skew.ts';
import { stateDir } from '../state_dir.ts';
import type { CertificateSigner } from '../steps.ts';
import { localTokenSource } from '../token_source/local.ts';
import { RenewedToken } from '../token_source/renewed.ts';
import type { TokenSource } from '../token_source/source.ts';
import type { Bundle } from '../trust/bundle.ts';
import { TrustRefresh } from '../trust/refresh.ts';
import { TrustStore } from '../trust/store.ts';
import { makeAgentKey } from './agent_key.ts';
import { Availability } from './availability.ts';
import { watchCaRoots } from './ca_roots.ts';
import { SignedCalls } from './call.ts';
import { ClusterCalls } from './cluster_calls.ts';
import { Dispatcher } from './dispatcher.ts';
import { upstreamError } from './errors.ts';
import { EdgeExchange } from './exchange.ts';
import { Holds } from './hold.ts';
import { HttpClient } from './http.ts';
import { edgeMetrics } from './metrics.ts';
import { proxyFor } from './proxy.ts';
import { Repeats } from './repeats.ts';
import { SealedTokens } from './sealed_tokens.ts';
import { warmUp } from './warm_up.ts';

export type EdgeConfig = Pick<
  AgentConfig,
  | 'trustDomain'
  | 'cluster'
  | 'clusterId'
  | 'caUrl'
  | 'caCert'
  | 'caProxy'
  | 'rootPin'
  | 'servingNames'
  | 'stateDir'
  | 'tokenIssuer'
  | 'agentTokenKey'
  | 'agentAccount'
  | 'agentPod'
  | 'node'
  | 'holdMax'
  | 'firstHold'
>;

export interface EdgeOptions {
  readonly config: EdgeConfig;
  readonly log: Logger;
  readonly metrics: { readonly registry: Registry };
  readonly clock?: Clock;
  /** Where the variables of the proxy are looked for. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Instead of the local issuer. */
  readonly tokenSource?: TokenSource;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

interface EdgeState {
  /** Whether calls go to the CA; requests are held otherwise. */
  readonly up: boolean;
  /** Why not, null while they do. */
  readonly trouble: string | null;
  readonly waiting: number;
  readonly bundleVersion: number | null;
  readonly epoch: number | null;
  /** ms since 1970 */
  readonly servingNotAfter: number | null;
  readonly skewMs: number;
}

/** The upstream half of the agent: everything between an authorized request and the CA. */
export interface Edge {
  readonly signer: CertificateSigner;
  readonly serving: {
    /** Null before the first, and once it has expired. */
    current(): ServingCertificate | null;
    onChange(listener: (certificate: ServingCertificate) => void): void;
  };
  readonly trust: {
    /** Null before the first acceptance. */
    current(): Bundle | null;
    onChange(listener: (bundle: Bundle) => void): void;
  };
  /** Takes up what is stored and begins. It does not wait for the CA. @throws TrustError when what is stored must not be used */
  start(): Promise<void>;
  /** Answers what still waits as unavailable, and ends every timer and connection. */
  stop(): Promise<void>;
  /** The time by the CA's clock, as far as its answers told; ms since 1970. */
  now(): number;
  state(): EdgeState;
}

/** A change that no answer told of, because there was none to give, is noticed after this long. */
const REFRESH_EVERY_MS = 300_000;

/**
 * Puts the upstream half together.
 *
 * @throws Error when a file it is configured with cannot be read
 */
export function createEdge({
  config,
  log,
  metrics: { registry },
  clock = systemClock,
  random = Math.random,
  environment = process.env,
  ...rest
}: EdgeOptions): Edge {
  const { trustDomain, cluster } = config;
  const crypto = nodeCrypto();
  const key = makeAgentKey();
  const source = rest.tokenSource ?? localSource(config, clock);
  const state = stateDir(config.stateDir);
  const skew = new Skew(
    (level, ms) => {
      const fields = { skewMs: Math.round(ms) };
      if (level === 'fine') log.info(fields, 'our clock agrees with that of the CA again');
      else if (level === 'warn') log.warn(fields, 'our clock is off');
      else
        log.error(
          fields,
          'our clock is off by more than certificates are back-dated: requests are held until it is set',
        );
      availability.check();
    },
    () => clock.now() - performance.now(),
  );
  const now = (): number => skew.correct(clock.now());
  const trust = new TrustStore({ trustDomain, cluster, pins: config.rootPin, state, crypto, now, log });
  const metrics = edgeMetrics(registry, () => ({
    waiting: dispatcher.waiting,
    up: availability.up,
    skewMs: skew.ms,
    bundleVersion: trust.bundle?.document.bundleVersion ?? 0,
    epoch: trust.bundle?.document.epoch ?? 0,
    servingNotAfter: serving.current?.notAfter ?? 0,
  }));
  const proxy = proxyFor(config.caUrl, config.caProxy, environment);
  if (proxy !== null) log.info({ proxy: proxy.shown, from: proxy.from }, 'the CA is reached through a proxy');
  const roots = watchCaRoots(config.caCert, log, (pem) => http.trust(pem));
  const http = new HttpClient({
    url: config.caUrl,
    caPem: roots.pem,
    proxy,
    maxAnswerBytes: MAX_ANSWER_BYTES,
    clock,
  });
  const token = new RenewedToken({ source, audiences: [config.caUrl, key.audience], clock, random });
  const calls = new SignedCalls({
    http,
    url: config.caUrl,
    key,
    token,
    crypto,
    clock,
    skew,
    counted: (kind, outcome, seconds) => {
      metrics.calls.inc({ kind, outcome });
      metrics.callSeconds.observe({ kind }, seconds);
    },
  });
  const repeats = new Repeats();
  const trustRefresh = new TrustRefresh({
    calls,
    store: trust,
    trustDomain,
    cluster,
    clock,
    refused: ({ code, message }) => {
      metrics.trustRefused.inc({ code });
      if (repeats.isNews(code, clock.now())) log.error({ code, reason: message }, 'a trust document was refused');
    },
  });
  const refresh = (): Promise<void> => trustRefresh.refresh();
  const availability = new Availability({
    probe: () => trustRefresh.probe(),
    gate: () => {
      if (trust.bundle === null) return 'no trust has been accepted yet';
      if (!trust.bundle.document.enabled) return 'the cluster is disabled at the CA';
      return skew.level === 'hold' ? 'our clock is off' : null;
    },
    clock,
    random,
    onUp: () => {
      dispatcher.resume();
      serving.look();
    },
    log,
  });
  const clusterCalls = new ClusterCalls({ calls, trust, refresh, trustDomain, cluster });
  const holds = new Holds({ maximum: config.holdMax * 1000, first: config.firstHold * 1000 });
  const exchange = new EdgeExchange({
    calls: clusterCalls,
    trust,
    refresh,
    hint: () => trustRefresh.hint(),
    tokens: new SealedTokens(),
    holds,
    skew,
    crypto,
    clock,
    random,
    batched: (items) => metrics.batchItems.observe(items),
    judged: (verdict) => metrics.verdicts.inc({ verdict }),
    log,
  });
  const dispatcher = new Dispatcher({
    exchange,
    availability,
    holds,
    clock,
    random,
    soon: setImmediate,
    unforeseen: (err, requestIds) => log.error({ err, requestIds }, 'a fault of the agent failed a call'),
  });
  const serving = new ServingKeeper({
    request: () => requestServing({ calls: clusterCalls, trust, refresh, skew, clock, requestId: randomUUID }),
    bundle: () => trust.bundle,
    names: config.servingNames,
    state,
    crypto,
    clock,
    now,
    random,
    log,
  });
  trust.onChange((bundle) => {
    const { clusterId } = bundle.document;
    if (clusterId !== config.clusterId) {
      log.error({ enrolled: clusterId, configured: config.clusterId }, 'the cluster id is not the enrolled one');
    }
    serving.trustChanged();
    availability.check();
  });

  let cancelRefresh: (() => void) | null = null;
  function refreshRegularly(): void {
    cancelRefresh = clock.after(jittered(REFRESH_EVERY_MS, 0.1, random), () => {
      refreshRegularly();
      // While the CA is away the probes do the same.
      if (availability.up)
        refresh().catch((error: unknown) => availability.failed(upstreamError(error, 'answer-malformed')));
    });
  }

  return {
    signer: dispatcher,
    serving: { current: () => serving.current, onChange: (listener) => serving.onChange(listener) },
    trust: { current: () => trust.bundle, onChange: (listener) => trust.onChange(listener) },
    // oxlint-disable-next-line typescript/require-await -- what is stored may come from elsewhere than a folder
    async start() {
      trust.load();
      serving.load();
      warmUp(crypto);
      refreshRegularly();
      void refresh()
        .catch((error: unknown) => availability.failed(upstreamError(error, 'answer-malformed')))
        .then(() => {
          availability.check();
          dispatcher.pumpSoon();
          serving.look();
        });
    },
    // oxlint-disable-next-line typescript/require-await -- as start
    async stop() {
      cancelRefresh?.();
      availability.stop();
      serving.stop();
      dispatcher.stop();
      roots.close();
      http.close();
    },
    now,
    state: () => ({
      up: availability.up,
      trouble: availability.trouble,
      waiting: dispatcher.waiting,
      bundleVersion: trust.bundle?.document.bundleVersion ?? null,
      epoch: trust.bundle?.document.epoch ?? null,
      servingNotAfter: serving.current?.notAfter ?? null,
      skewMs: skew.ms,
    }),
  };
}

function localSource(config: EdgeConfig, clock: Clock): TokenSource {
  return localTokenSource({
    keyPem: readFileSync(config.agentTokenKey, 'utf8'),
    issuer: config.tokenIssuer,
    account: config.agentAccount,
    pod: config.agentPod,
    node: config.node,
    now: () => clock.now(),
  });
}

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What is read off when metrics are collected. */
export interface EdgeReadings {
  readonly waiting: number;
  readonly up: boolean;
  readonly skewMs: number;
  /** 0 before the first */
  readonly bundleVersion: number;
  readonly epoch: number;
  /** ms since 1970, 0 without one */
  readonly servingNotAfter: number;
}

/** What the agent counts of its upstream half. Times are in seconds. */
export function edgeMetrics(registry: Registry, read: () => EdgeReadings) {
  const registers = [registry];
  const gauge = (name: string, help: string, value: (readings: EdgeReadings) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(read()));
      },
    });
  gauge('ambient_ca_agent_waiting', 'Requests that wait for the CA or are held.', ({ waiting }) => waiting);
  gauge('ambient_ca_agent_upstream_up', '1 while calls go to the CA, 0 while requests are held.', ({ up }) =>
    Number(up),
  );
  gauge('ambient_ca_agent_clock_skew_seconds', "The CA's clock less ours.", ({ skewMs }) => skewMs / 1000);
  gauge(
    'ambient_ca_agent_bundle_version',
    'Version of the bundle that is handed out; 0 before the first.',
    ({ bundleVersion }) => bundleVersion,
  );
  gauge(
    'ambient_ca_agent_config_epoch',
    'Epoch of the configuration of the cluster, as last seen.',
    ({ epoch }) => epoch,
  );
  gauge(
    'ambient_ca_agent_serving_certificate_expiry_timestamp',
    'When the serving certificate expires, seconds since 1970; 0 without one.',
    ({ servingNotAfter }) => servingNotAfter / 1000,
  );
  return {
    calls: new Counter({
      name: 'ambient_ca_agent_upstream_calls_total',
      help: 'Calls to the CA, by kind and by what came of them.',
      labelNames: ['kind', 'outcome'],
      registers,
    }),
    callSeconds: new Histogram({
      name: 'ambient_ca_agent_upstream_call_seconds',
      help: 'Time of a call to the CA, until its answer was believed.',
      labelNames: ['kind'],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    batchItems: new Histogram({
      name: 'ambient_ca_agent_batch_items',
      help: 'Items of a call for certificates.',
      buckets: [1, 2, 4, 8, 16, 32, 64],
      registers,
    }),
    verdicts: new Counter({
      name: 'ambient_ca_agent_item_verdicts_total',
      help: 'What the CA said to each item; bad is a certificate that the agent refused to hand out.',
      labelNames: ['verdict'],
      registers,
    }),
    trustRefused: new Counter({
      name: 'ambient_ca_agent_trust_refused_total',
      help: 'Trust documents that were refused, by code.',
      labelNames: ['code'],
      registers,
    }),
  };
}

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What the agent counts of its upstream half. Times are in seconds. */
export function edgeMetrics(registry: Registry) {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
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
    waiting: gauge('ambient_ca_agent_waiting', 'Requests that wait for the CA or are held.'),
    up: gauge('ambient_ca_agent_upstream_up', '1 while calls are sent to the CA, 0 while requests are held.'),
    skew: gauge('ambient_ca_agent_clock_skew_seconds', "The CA's clock less ours."),
    bundleVersion: gauge('ambient_ca_agent_bundle_version', 'Version of the bundle that is handed out; 0 before the first.'),
    epoch: gauge('ambient_ca_agent_config_epoch', 'Epoch of the configuration of the cluster that was last seen.'),
    servingExpiry: gauge(
      'ambient_ca_agent_serving_certificate_expiry_timestamp',
      'When the serving certificate expires, seconds since 1970; 0 without one.',
    ),
  };
}

export type EdgeMetrics = ReturnType<typeof edgeMetrics>;

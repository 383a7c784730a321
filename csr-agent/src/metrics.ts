import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Certificate } from '../../pki/src/certificate/parse.ts';
import type { Bundle } from './trust/bundle.ts';

const GRPC = {
  grpc_type: 'unary',
  grpc_service: 'istio.v1.auth.IstioCertificateService',
  grpc_method: 'CreateCertificate',
};
const GRPC_LABELS = ['grpc_type', 'grpc_service', 'grpc_method'] as const;

/**
 * Metrics of the agent: ours (`ambient_ca_agent_*`), and beside them the names of istiod's CA (`citadel_server_*`) and of
 * go-grpc-prometheus (`grpc_server_*`), which the dashboards and alerts of Istio read.
 */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const started = new Counter({
    name: 'grpc_server_started_total',
    help: 'Calls that began.',
    labelNames: GRPC_LABELS,
    registers,
  });
  const received = new Counter({
    name: 'grpc_server_msg_received_total',
    help: 'Request messages.',
    labelNames: GRPC_LABELS,
    registers,
  });
  const sent = new Counter({
    name: 'grpc_server_msg_sent_total',
    help: 'Response messages.',
    labelNames: GRPC_LABELS,
    registers,
  });
  const handling = new Histogram({
    name: 'grpc_server_handling_seconds',
    help: 'Time until a call was answered, the hold included.',
    labelNames: GRPC_LABELS,
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600, 3600],
    registers,
  });
  return {
    registry,
    started: started.labels(GRPC),
    received: received.labels(GRPC),
    sent: sent.labels(GRPC),
    handling: handling.labels(GRPC),
    handled: new Counter({
      name: 'grpc_server_handled_total',
      help: 'Calls that were answered, by gRPC code.',
      labelNames: [...GRPC_LABELS, 'grpc_code'],
      registers,
    }),
    csr: counter('citadel_server_csr_count', 'Requests for a certificate.'),
    authenticationFailures: counter('citadel_server_authentication_failure_count', 'Requests refused for who asked.'),
    csrErrors: counter('citadel_server_csr_parsing_err_count', 'Requests refused for their CSR.'),
    idErrors: counter('citadel_server_id_extraction_err_count', 'Requests whose identity could not be read.'),
    signErrors: new Counter({
      name: 'citadel_server_csr_sign_err_count',
      help: 'Requests that could not be signed.',
      labelNames: ['error'],
      registers,
    }),
    issued: counter('citadel_server_success_cert_issuance_count', 'Certificates handed out.'),
    refusals: new Counter({
      name: 'ambient_ca_agent_refusals_total',
      help: 'Requests that got no certificate, by kind and stable code.',
      labelNames: ['kind', 'code'],
      registers,
    }),
    unhandled: new Counter({
      name: 'ambient_ca_agent_unhandled_calls_total',
      help: 'Calls refused before they were read: unknown methods, messages too large.',
      labelNames: ['grpc_code'],
      registers,
    }),
    connectionsEnded: counter(
      'ambient_ca_agent_connections_ended_total',
      'Connections refused or ended because there were as many as --max-connections.',
    ),
    inFlight: gauge('ambient_ca_agent_calls_in_flight', 'Calls being worked on or held.'),
    pods: gauge('ambient_ca_agent_pods', 'Pods in the index.'),
  };
}

export type AgentMetrics = ReturnType<typeof createMetrics>;

/** Labels of one handled call; the code is spelled as go-grpc-prometheus spells it. */
export function handledLabels(code: string): Record<string, string> {
  return { ...GRPC, grpc_code: code };
}

function signing({ intermediates }: Bundle): Certificate[] {
  const now = [...intermediates.values()].filter(({ purpose, current }) => purpose === 'svid' && current);
  return now.map(({ certificate }) => certificate);
}

/** When the roots and the intermediates that sign now end, under the names of istiod's CA. Not a number while no bundle is held: alerts compare. */
export function trustGauges(registry: Registry, bundle: () => Bundle | null, now: () => number = Date.now): void {
  const ends: Record<string, (held: Bundle) => readonly { readonly notAfter: number }[]> = {
    root_cert: (held) => held.roots,
    cert_chain: signing,
  };
  for (const [name, certificates] of Object.entries(ends)) {
    /** Seconds since 1970 */
    const first = (): number | null => {
      const held = bundle();
      const all = held === null ? [] : certificates(held);
      return all.length === 0 ? null : Math.min(...all.map(({ notAfter }) => notAfter)) / 1000;
    };
    const gauge = (unit: string, help: string, value: (end: number) => number) =>
      new Gauge({
        name: `citadel_server_${name}_expiry_${unit}`,
        help,
        registers: [registry],
        collect() {
          const end = first();
          this.set(end === null ? Number.NaN : value(end));
        },
      });
    gauge('timestamp', 'When the first of them expires, seconds since 1970.', (end) => end);
    gauge('seconds', 'Seconds until the first of them expires.', (end) => end - now() / 1000);
  }
}

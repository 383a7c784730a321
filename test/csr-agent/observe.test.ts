import { status } from '@grpc/grpc-js';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../csr-agent/src/metrics.ts';
import { createObserver } from '../../csr-agent/src/observe.ts';
import type { CallReport } from '../../csr-agent/src/pipeline.ts';
import { PODS } from './front.ts';

const caller = {
  token: 'eyJhbGciOiJFUzI1NiJ9.secret.secret',
  tokenHash: 'hash',
  namespace: 'istio-system',
  serviceAccount: 'ztunnel',
  pod: PODS.ztunnelA,
  expiresAt: 0,
};
const identity = { trustDomain: 'cluster.local', namespace: 'bookinfo', serviceAccount: 'productpage' };
const authorization = { identity, target: PODS.productpage, impersonated: true };
const issued: CallReport = {
  outcome: { ok: true, chain: ['leaf\n', 'root\n'], serial: '0a', notAfter: 1_800_000_000_000, issuer: 'i-1' },
  caller,
  authorization,
};
const refused = (kind: 'unauthenticated' | 'impersonation' | 'refused' | 'csr' | 'unavailable', reason = 'why') =>
  ({ outcome: { ok: false, kind, code: 'x', reason }, caller: null, authorization: null }) satisfies CallReport;

async function observed(report: CallReport | Error, code: status) {
  const lines: string[] = [];
  const metrics = createMetrics();
  const observer = createObserver(pino({ base: null }, { write: (line: string) => lines.push(line) }), metrics);
  const call = observer.begin('request-1', '10.0.0.7:40000');
  if (report instanceof Error) call.fault(report, code);
  else call.end(report, code);
  const [line = ''] = lines;
  return { lines, line: JSON.parse(line) as Record<string, unknown>, metrics: await metrics.registry.metrics() };
}

describe('the log of a call', () => {
  it('is one line that says who got which certificate', async () => {
    const { lines, line } = await observed(issued, status.OK);
    expect(lines).toHaveLength(1);
    expect(line).toMatchObject({
      msg: 'issued',
      requestId: 'request-1',
      peer: '10.0.0.7:40000',
      caller: 'istio-system/ztunnel',
      pod: PODS.ztunnelA.uid,
      node: 'node-a',
      identity: 'spiffe://cluster.local/ns/bookinfo/sa/productpage',
      impersonated: true,
      serial: '0a',
      issuer: 'i-1',
      notAfter: '2027-01-15T08:00:00.000Z',
      grpc: 'OK',
    });
    expect(line['ms']).toBeTypeOf('number');
  });

  it('never has a token', async () => {
    const { lines } = await observed(issued, status.OK);
    const pasted = await observed(refused('unauthenticated', `clusterid with ${caller.token}`), status.UNAUTHENTICATED);
    expect(lines.join('') + pasted.lines.join('')).not.toMatch(/eyJ|secret/);
  });

  it('escapes what a terminal would obey in the reason of a refusal', async () => {
    const { lines } = await observed(
      refused('csr', 'a\u001b[2Jb\u009bc\u202ed\r\n{"level":30}'),
      status.INVALID_ARGUMENT,
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[\x20-\x7e]+\n$/);
  });

  it('of a client that has gone is no failure of the CA', async () => {
    const { line, metrics } = await observed(refused('unavailable'), status.CANCELLED);
    expect(line).toMatchObject({ msg: 'the client has gone', grpc: 'Canceled' });
    expect(metrics).toMatch(/grpc_server_handled_total\{[^}]*grpc_code="Canceled"\} 1/);
    expect(metrics).not.toContain('citadel_server_csr_sign_err_count{');
  });

  it('of one that no handler saw is one line, too', async () => {
    const lines: string[] = [];
    const metrics = createMetrics();
    const observer = createObserver(pino({ base: null }, { write: (line: string) => lines.push(line) }), metrics);
    observer.unhandled('/a\u009b/b', '10.0.0.7:40000', status.UNIMPLEMENTED);
    expect(JSON.parse(lines.join(''))).toMatchObject({
      path: '/a\\u{9b}/b',
      peer: '10.0.0.7:40000',
      grpc: 'Unimplemented',
    });
    expect(await metrics.registry.metrics()).toContain(
      'ambient_ca_agent_unhandled_calls_total{grpc_code="Unimplemented"} 1',
    );
  });

  it('a connection that made room is counted, and no line: there may be thousands', async () => {
    const lines: string[] = [];
    const metrics = createMetrics();
    createObserver(pino({ base: null }, { write: (line: string) => lines.push(line) }), metrics).crowded();
    expect(await metrics.registry.metrics()).toContain('ambient_ca_agent_connections_ended_total 1');
    expect(lines).toEqual([]);
  });

  it('of a fault of ours has the error', async () => {
    const { line } = await observed(new TypeError('of ours'), status.UNAVAILABLE);
    expect(line).toMatchObject({ level: 50, err: { type: 'TypeError', message: 'of ours' } });
  });
});

describe('the metrics of a call', () => {
  it('of a certificate count for the dashboards of Istio and of gRPC', async () => {
    const { metrics } = await observed(issued, status.OK);
    const labels =
      'grpc_type="unary",grpc_service="istio.v1.auth.IstioCertificateService",grpc_method="CreateCertificate"';
    for (const expected of [
      'citadel_server_csr_count 1',
      'citadel_server_success_cert_issuance_count 1',
      'citadel_server_authentication_failure_count 0',
      `grpc_server_started_total{${labels}} 1`,
      `grpc_server_msg_received_total{${labels}} 1`,
      `grpc_server_msg_sent_total{${labels}} 1`,
      `grpc_server_handled_total{${labels},grpc_code="OK"} 1`,
      `grpc_server_handled_total{${labels},grpc_code="Unauthenticated"} 0`,
      `grpc_server_handling_seconds_count{${labels}} 1`,
      'ambient_ca_agent_calls_in_flight 0',
    ]) {
      expect(metrics).toContain(expected);
    }
  });

  it.each([
    ['unauthenticated', 'citadel_server_authentication_failure_count 1'],
    ['impersonation', 'citadel_server_authentication_failure_count 1'],
    ['csr', 'citadel_server_csr_parsing_err_count 1'],
    ['refused', 'citadel_server_csr_sign_err_count{error="x"} 1'],
    ['unavailable', 'citadel_server_csr_sign_err_count{error="x"} 1'],
  ] as const)('of one that was %s count as %s', async (kind, expected) => {
    const { metrics } = await observed(refused(kind), status.UNAVAILABLE);
    expect(metrics).toContain(expected);
    expect(metrics).toContain(`ambient_ca_agent_refusals_total{kind="${kind}",code="x"} 1`);
  });
});

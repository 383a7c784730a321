import { status } from '@grpc/grpc-js';
import { formatIdentity } from '../../pki/src/spiffe_id.ts';
import { CODE_NAMES } from './grpc/code_names.ts';
import { answerFor } from './grpc/status.ts';
import type { Logger } from './log.ts';
import { handledLabels, type AgentMetrics } from './metrics.ts';
import type { CallReport } from './pipeline.ts';
import { printable } from './printable.ts';

interface ObservedCall {
  end(report: CallReport, code: status): void;
  /** A fault of ours that no step expected. */
  fault(error: unknown, code: status): void;
}

/** Is told of a call that no handler saw: an unknown method, a message too large or of no known encoding. */
export type UnhandledCall = (path: string, peer: string, code: status) => void;

export interface CallObserver {
  /** @param peer address of the client's end of the connection */
  begin(requestId: string, peer: string): ObservedCall;
  /** A call that no handler saw. */
  readonly unhandled: UnhandledCall;
  /** A connection was refused or ended, because there were too many. */
  readonly crowded: () => void;
}

/** One log line and the metrics of each call. The reason of a refusal stands here and nowhere else. */
export function createObserver(log: Logger, metrics: AgentMetrics): CallObserver {
  const codes = Object.values(status).filter((code): code is status => typeof code === 'number');
  const handled = new Map(codes.map((code) => [code, metrics.handled.labels(handledLabels(CODE_NAMES[code]))]));
  // A rate over a series that appears with its first failure would miss that failure.
  for (const counter of handled.values()) counter.inc(0);
  return {
    unhandled(path, peer, code) {
      metrics.unhandled.inc({ grpc_code: CODE_NAMES[code] });
      log.warn({ path: printable(path), peer, grpc: CODE_NAMES[code] }, 'refused before it was read');
    },
    crowded: () => metrics.connectionsEnded.inc(),
    begin(requestId, peer) {
      const began = performance.now();
      metrics.started.inc();
      metrics.received.inc();
      metrics.csr.inc();
      metrics.inFlight.inc();
      /** @returns ms */
      function finish(code: status): number {
        const seconds = (performance.now() - began) / 1000;
        metrics.inFlight.dec();
        handled.get(code)?.inc();
        if (code === status.OK) metrics.sent.inc();
        metrics.handling.observe(seconds);
        return Math.round(seconds * 1e6) / 1e3;
      }
      return {
        end({ outcome, caller, authorization }, code) {
          const ms = finish(code);
          const line = {
            requestId,
            peer,
            caller: caller === null ? undefined : `${caller.namespace}/${caller.serviceAccount}`,
            pod: caller?.pod.uid,
            node: caller?.pod.node,
            identity: authorization === null ? undefined : formatIdentity(authorization.identity),
            impersonated: authorization?.impersonated,
            grpc: CODE_NAMES[code],
            ms,
          };
          if (outcome.ok) {
            metrics.issued.inc();
            const { serial, issuer } = outcome;
            const notAfter = new Date(outcome.notAfter).toISOString();
            log.info({ ...line, serial, issuer, notAfter }, 'issued');
          } else if (code === status.CANCELLED) {
            log.info({ ...line, code: outcome.code }, 'the client has gone');
          } else {
            countFailure(metrics, outcome.kind, outcome.code);
            const { kind, code: reasonCode, reason } = outcome;
            log.warn({ ...line, kind, code: reasonCode, reason: printable(reason) }, 'refused');
          }
        },
        fault(error, code) {
          finish(code);
          countFailure(metrics, 'unavailable', 'fault');
          const err = error instanceof Error ? error : new Error(String(error));
          log.error({ requestId, peer, err }, 'a call failed by a fault of the agent');
        },
      };
    },
  };
}

function countFailure(metrics: AgentMetrics, kind: Parameters<typeof answerFor>[0], code: string): void {
  metrics.refusals.inc({ kind, code });
  const { metric } = answerFor(kind);
  if (code === 'identity-malformed') metrics.idErrors.inc();
  if (metric === 'authentication') metrics.authenticationFailures.inc();
  else if (metric === 'csr') metrics.csrErrors.inc();
  else metrics.signErrors.inc({ error: code });
}

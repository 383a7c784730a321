import { status } from '@grpc/grpc-js';
import { answerFor } from './grpc/status.ts';
import type { Logger } from './log.ts';
import { handledLabels, type AgentMetrics } from './metrics.ts';
import type { CallReport } from './pipeline.ts';

export interface ObservedCall {
  end(report: CallReport, code: status): void;
  /** A fault of ours that no step expected. */
  fault(error: unknown, code: status): void;
}

export interface CallObserver {
  begin(requestId: string): ObservedCall;
}

/** go-grpc-prometheus spells codes in camel case: `OK`, `InvalidArgument`. */
const CODE_NAMES = new Map(
  Object.entries(status)
    .filter((entry): entry is [string, status] => typeof entry[1] === 'number')
    .map(([name, code]) => [code, name === 'OK' ? name : camel(name)]),
);

function camel(name: string): string {
  return name
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

/** One log line and the metrics of each call. The reason of a refusal stands here and nowhere else. */
export function createObserver(log: Logger, metrics: AgentMetrics): CallObserver {
  const handled = new Map([...CODE_NAMES].map(([code, name]) => [code, metrics.handled.labels(handledLabels(name))]));
  return {
    begin(requestId) {
      const began = performance.now();
      metrics.started.inc();
      metrics.csr.inc();
      metrics.inFlight.inc();
      function finish(code: status): number {
        const seconds = (performance.now() - began) / 1000;
        metrics.inFlight.dec();
        handled.get(code)?.inc();
        metrics.handling.observe(seconds);
        return Math.round(seconds * 1e6) / 1e3;
      }
      return {
        end({ outcome, caller, authorization }, code) {
          const ms = finish(code);
          const line = {
            requestId,
            caller: caller === null ? undefined : `${caller.namespace}/${caller.serviceAccount}`,
            pod: caller?.pod.uid,
            node: caller?.pod.node,
            identity:
              authorization === null
                ? undefined
                : `spiffe://${authorization.identity.trustDomain}/ns/${authorization.identity.namespace}/sa/${authorization.identity.serviceAccount}`,
            impersonated: authorization?.impersonated,
            ms,
          };
          if (outcome.ok) {
            metrics.issued.inc();
            log.info(
              {
                ...line,
                serial: outcome.serial,
                issuer: outcome.issuer,
                notAfter: new Date(outcome.notAfter).toISOString(),
              },
              'issued',
            );
            return;
          }
          countFailure(metrics, outcome.kind, outcome.code);
          log.warn(
            { ...line, grpc: CODE_NAMES.get(code), kind: outcome.kind, code: outcome.code, reason: outcome.reason },
            'refused',
          );
        },
        fault(error, code) {
          finish(code);
          countFailure(metrics, 'unavailable', 'fault');
          log.error(
            { requestId, err: error instanceof Error ? error : new Error(String(error)) },
            'a call failed by a fault of the agent',
          );
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

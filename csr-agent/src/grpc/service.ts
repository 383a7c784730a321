import { status, type sendUnaryData, type ServerUnaryCall, type ServiceDefinition } from '@grpc/grpc-js';
import type { CallObserver } from '../observe.ts';
import type { CallReport, CertificateCall as PipelineCall, Pipeline } from '../pipeline.ts';
import { requestIds } from '../request_id.ts';
import type { Caller } from '../steps.ts';
import type { Connections } from './connections.ts';
import { decodeRequest, encodeResponse, type DecodedRequest } from './messages.ts';
import { answerFor } from './status.ts';

/** `/istio.v1.auth.IstioCertificateService`, by hand: one method does not need a code generator. */
export const ISTIO_CA_SERVICE = {
  CreateCertificate: {
    path: '/istio.v1.auth.IstioCertificateService/CreateCertificate',
    requestStream: false,
    responseStream: false,
    requestSerialize: (request: Buffer) => request,
    requestDeserialize: (bytes: Buffer): DecodedRequest => decodeRequest(bytes),
    responseSerialize: (response: Buffer) => response,
    responseDeserialize: (bytes: Buffer) => bytes,
  },
} as const satisfies ServiceDefinition;

type CertificateCall = ServerUnaryCall<DecodedRequest, Buffer>;

interface HandlerOptions {
  readonly pipeline: Pipeline;
  readonly observer: CallObserver;
  readonly now: () => number;
  /** Is told of each call that was authenticated, before anything else is done for it. */
  readonly connections: Pick<Connections, 'working'>;
}

export function createCertificateHandler({ pipeline, observer, now, connections }: HandlerOptions) {
  const newRequestId = requestIds();
  return (call: CertificateCall, reply: sendUnaryData<Buffer>): void => {
    const requestId = newRequestId();
    const observed = observer.begin(requestId, call.getPeer());
    const gone = new AbortController();
    let answered = false;
    // grpc-js says so of every call when it is over, too.
    call.on('cancelled', () => {
      if (!answered) gone.abort();
    });
    let over: (() => void) | undefined;
    const authenticated = ({ pod }: Caller): void => void (over = connections.working(call.getPeer(), pod.uid));
    void answer(call, pipeline, { requestId, receivedAt: now(), cancelled: gone.signal, authenticated }).then(
      (report) => {
        answered = true;
        over?.();
        if (gone.signal.aborted) return observed.end(report, status.CANCELLED);
        const { outcome } = report;
        if (outcome.ok) {
          reply(null, encodeResponse(outcome.chain));
          return observed.end(report, status.OK);
        }
        const { code, text } = answerFor(outcome.kind);
        reply({ code, details: text });
        return observed.end(report, code);
      },
      (error: unknown) => {
        answered = true;
        over?.();
        const { code, text } = answerFor('unavailable');
        reply({ code, details: text });
        observed.fault(error, code);
      },
    );
  };
}

function answer(
  { request, metadata }: CertificateCall,
  pipeline: Pipeline,
  about: Pick<PipelineCall, 'requestId' | 'receivedAt' | 'cancelled' | 'authenticated'>,
): Promise<CallReport> {
  if (!request.ok) {
    const outcome = { ok: false, kind: 'csr', code: 'message', reason: request.reason } as const;
    return Promise.resolve({ outcome, caller: null, authorization: null });
  }
  return pipeline.run({
    ...about,
    authorization: metadata.get('authorization').map(String),
    clusterId: metadata.get('clusterid').map(String),
    csr: request.value.csr,
    ttlSeconds: request.value.validityDuration,
    impersonated: request.value.impersonatedIdentity,
  });
}

import { randomBytes } from 'node:crypto';
import { status, type sendUnaryData, type ServerUnaryCall, type ServiceDefinition } from '@grpc/grpc-js';
import type { CallObserver } from '../observe.ts';
import type { CallReport, Pipeline } from '../pipeline.ts';
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

export function createCertificateHandler(pipeline: Pipeline, observer: CallObserver, now: () => number) {
  return (call: ServerUnaryCall<DecodedRequest, Buffer>, reply: sendUnaryData<Buffer>): void => {
    const requestId = randomBytes(9)
      .toString('base64url')
      .replaceAll(/^[-_]|[-_]$/g, '0');
    const observed = observer.begin(requestId);
    void answer(call, requestId, pipeline, now).then(
      (report) => {
        const { outcome } = report;
        if (outcome.ok) {
          reply(null, encodeResponse(outcome.chain));
          observed.end(report, status.OK);
          return;
        }
        const { code, text } = answerFor(outcome.kind);
        reply({ code, details: text });
        observed.end(report, code);
      },
      (error: unknown) => {
        const { code, text } = answerFor('unavailable');
        reply({ code, details: text });
        observed.fault(error, code);
      },
    );
  };
}

function answer(
  call: ServerUnaryCall<DecodedRequest, Buffer>,
  requestId: string,
  pipeline: Pipeline,
  now: () => number,
): Promise<CallReport> {
  const { request, metadata } = call;
  if (!request.ok) {
    const outcome = { ok: false, kind: 'csr', code: 'message', reason: request.reason } as const;
    return Promise.resolve({ outcome, caller: null, authorization: null });
  }
  const controller = new AbortController();
  call.on('cancelled', () => controller.abort());
  return pipeline.run({
    requestId,
    authorization: metadata.get('authorization').map(String),
    clusterId: metadata.get('clusterid').map(String),
    csr: request.value.csr,
    ttlSeconds: request.value.validityDuration,
    impersonated: request.value.impersonatedIdentity,
    receivedAt: now(),
    cancelled: controller.signal,
  });
}

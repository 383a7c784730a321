import type { sendUnaryData, ServerUnaryCall, ServerWritableStream, ServiceDefinition } from '@grpc/grpc-js';
import { asText, readMessage } from './protobuf.ts';

/** `grpc.health.v1.HealthCheckResponse.ServingStatus` */
const STATUS = { serving: 1, notServing: 2, serviceUnknown: 3 } as const;
const SERVICES = ['', 'istio.v1.auth.IstioCertificateService'];

interface HealthRequest {
  readonly service: string;
}

const shared = {
  requestStream: false,
  requestSerialize: (request: Buffer) => request,
  requestDeserialize: (bytes: Buffer): HealthRequest => {
    let service = '';
    readMessage(bytes, (field, value) => {
      if (field === 1) service = asText(value);
      return field === 1;
    });
    // An object: grpc-js takes an empty string for a request that never came.
    return { service };
  },
  responseSerialize: (value: number) => Buffer.of(0x08, value),
  responseDeserialize: (bytes: Buffer) => bytes[1] ?? 0,
} as const;

export const HEALTH_SERVICE = {
  Check: { ...shared, path: '/grpc.health.v1.Health/Check', responseStream: false },
  Watch: { ...shared, path: '/grpc.health.v1.Health/Watch', responseStream: true },
} as const satisfies ServiceDefinition;

/** gRPC health: what kubelet probes and some load balancers ask. Serving until the drain begins. */
export class HealthService {
  #serving = true;
  readonly #watchers = new Set<ServerWritableStream<HealthRequest, number>>();

  readonly handlers = {
    Check: (call: ServerUnaryCall<HealthRequest, number>, reply: sendUnaryData<number>): void => {
      reply(null, this.#statusOf(call.request.service));
    },
    Watch: (call: ServerWritableStream<HealthRequest, number>): void => {
      call.write(this.#statusOf(call.request.service));
      if (!this.#serving) {
        call.end();
        return;
      }
      this.#watchers.add(call);
      const forget = (): boolean => this.#watchers.delete(call);
      call.on('cancelled', forget);
      call.on('error', forget);
    },
  };

  /** Says so to everyone who watches and ends their streams, so that a drain need not wait for them. */
  stop(): void {
    this.#serving = false;
    for (const call of this.#watchers) {
      call.write(STATUS.notServing);
      call.end();
    }
    this.#watchers.clear();
  }

  #statusOf(service: string): number {
    if (!SERVICES.includes(service)) return STATUS.serviceUnknown;
    return this.#serving ? STATUS.serving : STATUS.notServing;
  }
}

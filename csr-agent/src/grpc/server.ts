import { Server } from '@grpc/grpc-js';
import type { HostPort } from '../config/options.ts';
import type { CallObserver } from '../observe.ts';
import type { Pipeline } from '../pipeline.ts';
import { AgentCredentials, type ServingCertificate } from './credentials.ts';
import { HEALTH_SERVICE, HealthService } from './health.ts';
import { createCertificateHandler, ISTIO_CA_SERVICE } from './service.ts';

/** A request is a CSR and two short texts; a token travels in the headers. */
const MAX_MESSAGE_BYTES = 64 * 1024;

const OPTIONS = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': 1024 * 1024,
  'grpc.max_concurrent_streams': 100,
  // A ztunnel stays on one replica until it is told to go; grpc-js spreads the age by a tenth either way. Calls in
  // flight, held ones too, finish on the old connection: there is no grace limit.
  'grpc.max_connection_age_ms': 30 * 60_000,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.enable_channelz': 0,
} as const;

export interface AgentServerOptions {
  readonly pipeline: Pipeline;
  readonly observer: CallObserver;
  readonly certificate: ServingCertificate;
  readonly minTls: '1.2' | '1.3';
  readonly now: () => number;
}

/** The gRPC front: TLS, limits, the Istio CA service and health. */
export class AgentServer {
  readonly #server = new Server(OPTIONS);
  readonly #credentials: AgentCredentials;
  readonly #health = new HealthService();

  constructor({ pipeline, observer, certificate, minTls, now }: AgentServerOptions) {
    this.#credentials = new AgentCredentials(certificate, minTls);
    this.#server.addService(ISTIO_CA_SERVICE, { CreateCertificate: createCertificateHandler(pipeline, observer, now) });
    this.#server.addService(HEALTH_SERVICE, this.#health.handlers);
  }

  /** @returns the port that was bound */
  listen({ host, port }: HostPort): Promise<number> {
    const target = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(target, this.#credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
  }

  /** New connections get this certificate; those that stand are not touched. */
  replaceCertificate(certificate: ServingCertificate): void {
    this.#credentials.replace(certificate);
  }

  /** GOAWAY to every connection, no new calls, and resolves when the last call is answered or `graceMs` are over. */
  drain(graceMs: number): Promise<'drained' | 'cut'> {
    this.#health.stop();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        resolve('cut');
      }, graceMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve('drained');
      });
    });
  }
}

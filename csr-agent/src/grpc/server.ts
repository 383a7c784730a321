import { Server, logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import type { HostPort } from '../config/options.ts';
import { listenHost } from '../http/listen_host.ts';
import type { CallObserver } from '../observe.ts';
import type { Pipeline } from '../pipeline.ts';
import { Connections } from './connections.ts';
import { AgentCredentials, type ServingCertificate } from './credentials.ts';
import { HEALTH_SERVICE, HealthService } from './health.ts';
import { createCertificateHandler, ISTIO_CA_SERVICE } from './service.ts';

/** A request is a CSR and two short texts; a token travels in the headers. */
const MAX_MESSAGE_BYTES = 64 * 1024;
/** How long a client that was told to go may take to hear it. */
const LAST_CALLS_MS = 500;

const OPTIONS = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': 1024 * 1024,
  // Of one connection, in MiB: 100 streams of a full window each and some room; grpc-js sets no limit by itself.
  'grpc-node.max_session_memory': 16,
  // A ztunnel stays on one replica until it is told to go; grpc-js spreads the age by a tenth either way. Calls in
  // flight, held ones too, finish on the old connection: there is no grace limit, a hold has its own.
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
  readonly maxConnections: number;
  readonly now: () => number;
}

/** The gRPC front: TLS, limits, the Istio CA service and health. */
export class AgentServer {
  readonly #server = new Server(OPTIONS);
  readonly #connections: Connections;
  readonly #credentials: AgentCredentials;
  readonly #health = new HealthService();

  constructor({ pipeline, observer, certificate, minTls, maxConnections, now }: AgentServerOptions) {
    // grpc-js logs a header that it cannot take, value and all: that may be a token.
    setLogVerbosity(logVerbosity.NONE);
    this.#credentials = new AgentCredentials(certificate, minTls);
    this.#connections = new Connections(observer, maxConnections);
    const connections = this.#connections;
    const handler = createCertificateHandler({ pipeline, observer, now, connections });
    this.#server.addService(ISTIO_CA_SERVICE, { CreateCertificate: handler });
    this.#server.addService(HEALTH_SERVICE, this.#health.handlers);
  }

  /** @returns the port that was bound */
  async listen({ host, port }: HostPort): Promise<number> {
    const name = listenHost(host);
    const target = name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`;
    const bound = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(target, this.#credentials, (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    this.#connections.watch(this.#server);
    return bound;
  }

  /**
   * New connections get this certificate; those that stand are not touched.
   *
   * @throws Error when key and certificate do not fit; then the one before stays
   */
  replaceCertificate(certificate: ServingCertificate): void {
    this.#credentials.replace(certificate);
  }

  /**
   * GOAWAY to every connection, then no new calls, and resolves when the last call is answered or `graceMs` are over.
   * Calls that were on their way when a client heard of it are served.
   */
  async drain(graceMs: number): Promise<'drained' | 'cut'> {
    this.#health.stop();
    this.#connections.announceEnd();
    const lastCalls = this.#connections.size === 0 ? 0 : Math.min(LAST_CALLS_MS, graceMs);
    await new Promise((resolve) => void setTimeout(resolve, lastCalls));
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        this.#connections.cut();
        resolve('cut');
      }, graceMs - lastCalls);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve('drained');
      });
    });
  }
}

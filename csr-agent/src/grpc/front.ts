import type { HostPort } from '../config/options.ts';
import type { Logger } from '../log.ts';
import type { ServingCertificate } from './credentials.ts';
import { AgentServer, type AgentServerOptions } from './server.ts';

export interface GrpcFrontOptions {
  readonly address: HostPort;
  readonly server: Omit<AgentServerOptions, 'certificate'>;
  readonly log: Logger;
  /** The address cannot be had; there is nothing to wait for. */
  readonly failed: () => void;
}

/** The gRPC server over the life of the agent: begins with the first serving certificate, takes each later one, drains. */
export class GrpcFront {
  readonly #options: GrpcFrontOptions;
  #server: AgentServer | null = null;
  #port: number | null = null;
  #draining = false;

  constructor(options: GrpcFrontOptions) {
    this.#options = options;
  }

  /** The first certificate begins the server. One that does not fit its key is logged, and the one before stays. */
  serve(certificate: ServingCertificate): void {
    const { log } = this.#options;
    if (this.#draining) return;
    try {
      if (this.#server === null) this.#begin(new AgentServer({ ...this.#options.server, certificate }));
      else this.#server.replaceCertificate(certificate);
    } catch (error) {
      log.error({ err: error }, 'serving certificate not taken');
    }
  }

  /** Why no client should be sent here. */
  blockers(): readonly string[] {
    if (this.#draining) return ['draining'];
    return this.#port === null ? ['the gRPC server is not listening yet'] : [];
  }

  async drain(graceMs: number): Promise<'drained' | 'cut'> {
    this.#draining = true;
    return this.#server === null ? 'drained' : this.#server.drain(graceMs);
  }

  #begin(server: AgentServer): void {
    const { address, log, failed } = this.#options;
    this.#server = server;
    server.listen(address).then(
      (port) => {
        this.#port = port;
        log.info({ host: address.host, port }, 'listening for the Istio CA gRPC API');
      },
      (error: unknown) => {
        log.fatal({ err: error }, 'cannot listen for the Istio CA gRPC API');
        failed();
      },
    );
  }
}

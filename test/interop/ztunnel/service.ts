import net from 'node:net';
import type { Replica } from './replica.ts';

/** Stands in for the Kubernetes Service of the agents: a new connection goes where it points now, and those that stand stay. */
export class Service {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  #target = 0;

  private constructor() {
    this.#server = net.createServer((client) => {
      const agent = net.connect(this.#target, '127.0.0.1');
      client.pipe(agent).pipe(client);
      for (const socket of [client, agent]) {
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
        socket.once('error', () => [client, agent].forEach((each) => each.destroy()));
      }
    });
  }

  static async start(to: Replica): Promise<Service> {
    const service = new Service();
    service.pointTo(to);
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  pointTo(replica: Replica): void {
    this.#target = replica.port;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

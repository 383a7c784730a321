import http from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';

export type ProxyMood = 'tunnel' | 'hang' | { readonly answer: string };

/**
 * An HTTP proxy as clusters have it on the way out: CONNECT only, names resolved by itself, credentials if it is told
 * some. `hosts` stands in for the DNS that the world outside has.
 */
export class ConnectProxy {
  readonly #server = http.createServer((_request, response) => response.writeHead(405).end());
  readonly #sockets = new Set<net.Socket>();
  readonly #hosts: Readonly<Record<string, number>>;
  readonly #credentials: string | null;
  /** The target of each CONNECT, whatever became of it. */
  readonly asked: string[] = [];
  tunnels = 0;
  mood: ProxyMood = 'tunnel';

  private constructor(hosts: Readonly<Record<string, number>>, credentials: string | null) {
    this.#hosts = hosts;
    this.#credentials = credentials;
    this.#server.on('connection', (socket) => this.#keep(socket));
    this.#server.on('connect', (request: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
      this.asked.push(request.url ?? '');
      socket.on('error', () => socket.destroy());
      const refusal = this.#refusal(request);
      // It reads on, so that it hears when the client gives up.
      if (this.mood === 'hang') socket.resume().once('end', () => socket.destroy());
      else if (refusal === null) this.#tunnel(this.#hosts[request.url ?? ''] ?? 0, socket, head);
      else socket.end(refusal);
    });
  }

  /** @param hosts from HOST:PORT to the port on 127.0.0.1 that stands in for it; `credentials` as in `user:password` */
  static async start(
    hosts: Readonly<Record<string, number>>,
    credentials: string | null = null,
    port = 0,
  ): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(hosts, credentials);
    await new Promise<void>((resolve) => proxy.#server.listen(port, '127.0.0.1', resolve));
    return proxy;
  }

  /** For HTTPS_PROXY. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://${this.#credentials === null ? '' : `${this.#credentials}@`}127.0.0.1:${port}`;
  }

  /** Connections that stand, those of tunnels to the far side included. */
  get open(): number {
    return this.#sockets.size;
  }

  #refusal(request: http.IncomingMessage): string | null {
    if (typeof this.mood === 'object') return this.mood.answer;
    const expected = this.#credentials === null ? undefined : `Basic ${btoa(this.#credentials)}`;
    if (request.headers['proxy-authorization'] !== expected) return statusLine('407 Proxy Authentication Required');
    return this.#hosts[request.url ?? ''] === undefined ? statusLine('502 Bad Gateway') : null;
  }

  #tunnel(port: number, socket: net.Socket, head: Buffer): void {
    this.tunnels++;
    const far = net.connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.write(head);
      socket.pipe(far).pipe(socket);
    });
    this.#keep(far);
    for (const one of [socket, far]) one.on('close', () => [socket, far].forEach((each) => each.destroy()));
    far.on('error', () => socket.destroy());
  }

  #keep(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }
}

const statusLine = (status: string): string => `HTTP/1.1 ${status}\r\n\r\n`;

import { createServer, request as send, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Message {
  /** Last part of the path: what is asked for. */
  kind: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** What is done to what passes; what is left out passes as it is. */
export interface Interception {
  /** @returns what goes on to the CA, or the answer that is given in its place */
  request?: (message: Message) => Message | { answer: Reply };
  reply?: (reply: Reply, message: Message) => Reply | Promise<Reply>;
}

/** Between agent and CA, on plain HTTP/1.1, as a middlebox that ends TLS would be: it reads everything and may change it. */
export class InterceptingProxy {
  interception: Interception = {};
  /** Every exchange as agent and CA wrote it. */
  readonly seen: { message: Message; reply: Reply }[] = [];
  readonly #target: URL;
  readonly #server: Server;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((incoming, outgoing) => {
      void (async () => {
        const path = incoming.url ?? '/';
        const kind = path.split('/').at(-1) ?? '';
        const message: Message = { kind, path, headers: incoming.headers, body: await buffer(incoming) };
        const { status, headers, body } = await this.#pass(message);
        const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name));
        outgoing.writeHead(status, { ...Object.fromEntries(kept), 'content-length': body.length }).end(body);
      })().catch(() => outgoing.destroy());
    });
  }

  static async start(target: string): Promise<InterceptingProxy> {
    const proxy = new InterceptingProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async #pass(original: Message): Promise<Reply> {
    const { request, reply } = this.interception;
    const message = request?.(original) ?? original;
    if ('answer' in message) return message.answer;
    const answered = await this.send(message);
    this.seen.push({ message: original, reply: answered });
    return (await reply?.(answered, message)) ?? answered;
  }

  /** Straight to the CA. */
  send({ path, headers, body }: Message): Promise<Reply> {
    const { hostname, port } = this.#target;
    const own = { ...headers, 'content-length': String(body.length) };
    return new Promise((resolve, reject) => {
      const outgoing = send({ hostname, port, path, method: 'POST', headers: own }, (incoming) => {
        buffer(incoming).then(
          (read) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: read }),
          reject,
        );
      });
      outgoing.on('error', reject).end(body);
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length']);

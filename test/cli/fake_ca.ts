import { createServer, type IncomingMessage, type Server } from 'node:http';

export interface Seen {
  method: string;
  path: string;
  authorization: string | undefined;
  body: unknown;
}

export interface Answer {
  status?: number;
  json?: unknown;
  text?: string;
  /** ms since 1970; null for no Date, absent for that of the machine */
  date?: number | null;
}

type Routes = Record<string, Answer | ((seen: Seen) => Answer)>;

/** Answers `METHOD /path` from a table, 404 as a problem document for the rest, and remembers what it was asked. */
export class FakeCa {
  readonly seen: Seen[] = [];
  readonly #server: Server;

  private constructor(routes: Routes) {
    this.#server = createServer((request, response) => {
      void readBody(request).then((body) => {
        const path = request.url ?? '';
        const seen: Seen = { method: request.method ?? '', path, authorization: request.headers.authorization, body };
        this.seen.push(seen);
        const route = routes[`${seen.method} ${path}`];
        const answer = typeof route === 'function' ? route(seen) : (route ?? problem(404, 'not-found', 'no such name'));
        const type = answer.text === undefined ? 'application/json' : 'application/x-pem-file';
        if (answer.date !== undefined) response.sendDate = false;
        const date = typeof answer.date === 'number' ? { date: new Date(answer.date).toUTCString() } : {};
        response.writeHead(answer.status ?? 200, { 'content-type': type, ...date });
        response.end(answer.text ?? JSON.stringify(answer.json));
      });
    });
  }

  static async start(routes: Routes): Promise<FakeCa> {
    const fake = new FakeCa(routes);
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('not listening');
    return `http://127.0.0.1:${address.port}`;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

export function problem(status: number, code: string, detail: string, more: object = {}): Answer {
  return { status, json: { type: `urn:ambient-ca:problem:${code}`, title: code, status, code, detail, ...more } };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? null : JSON.parse(text);
}

import { createServer, type Server } from 'node:http';
import type { HostPort } from '../config/options.ts';
import { listenHost } from './listen_host.ts';

/** Answers a GET: a status, and text of the given type. */
export type Route = () =>
  Promise<{ status: number; type: string; body: string }> | { status: number; type: string; body: string };

/** A small HTTP server for probes and metrics: GET of known paths, everything else 404. */
export function serveHttp(
  { host, port }: HostPort,
  routes: Readonly<Record<string, Route>>,
): Promise<{ server: Server; port: number }> {
  const server = createServer({ maxHeaderSize: 8192, requestTimeout: 10_000 }, (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const route = request.method === 'GET' && Object.hasOwn(routes, path) ? routes[path] : undefined;
    void Promise.resolve(route?.() ?? { status: 404, type: 'text/plain', body: 'not found\n' }).then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, listenHost(host), () => {
      const bound = server.address();
      resolve({ server, port: typeof bound === 'object' && bound !== null ? bound.port : port });
    });
  });
}

const plain = (status: number, body: string) => ({ status, type: 'text/plain; charset=utf-8', body: `${body}\n` });

/**
 * `/livez` says that the process turns; `/readyz` why it is not ready. Readiness never depends on the CA: an agent that
 * holds while the CA is away must keep its place behind the Service.
 */
export function probeRoutes(blockers: () => readonly string[]): Record<string, Route> {
  return {
    '/livez': () => plain(200, 'ok'),
    '/readyz': () => {
      const waiting = blockers();
      return waiting.length === 0 ? plain(200, 'ok') : plain(503, waiting.join('\n'));
    },
  };
}

import {
  constants,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type Http2Stream,
} from 'node:http2';
import { status, type Server } from '@grpc/grpc-js';

/** RFC 9113 §6.8: the first GOAWAY of a graceful end names the greatest stream, so that calls on their way are served. */
const LAST_STREAM = 2 ** 31 - 1;

/** Statuses that grpc-js gives on its own, before a call reaches a handler; our handlers give none of them. */
const UNHANDLED = new Set<status>([status.UNKNOWN, status.RESOURCE_EXHAUSTED, status.UNIMPLEMENTED, status.INTERNAL]);

/** Is told of a call that no handler saw: an unknown method, a message too large or of no known encoding. */
export type UnhandledCall = (path: string, peer: string, code: status) => void;

/**
 * What grpc-js keeps to itself of its HTTP/2 servers: the connections, and the headers as they came. It is pinned to an
 * exact version; another shape fails at start.
 */
export class Connections {
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #unhandled: UnhandledCall;

  constructor(unhandled: UnhandledCall) {
    this.#unhandled = unhandled;
  }

  /** @param server after it was bound */
  watch(server: Server): void {
    const { http2Servers } = server as unknown as { http2Servers?: unknown };
    if (!(http2Servers instanceof Map) || http2Servers.size === 0) {
      throw new TypeError('this version of grpc-js does not keep its HTTP/2 servers in http2Servers');
    }
    for (const http2 of http2Servers.keys() as Iterable<Http2SecureServer>) {
      http2.prependListener('stream', (stream, headers, _flags, raw) => {
        keepRepeatedAuthorization(headers, raw);
        this.#watchEnd(stream, headers);
      });
      http2.on('session', (session) => {
        this.#sessions.add(session);
        session.once('close', () => this.#sessions.delete(session));
      });
    }
  }

  #watchEnd(stream: Http2Stream, headers: IncomingHttpHeaders): void {
    const { remoteAddress, remotePort } = stream.session?.socket ?? {};
    stream.once('close', () => {
      const code = Number(stream.sentTrailers?.['grpc-status'] ?? stream.sentHeaders?.['grpc-status'] ?? -1);
      if (UNHANDLED.has(code)) this.#unhandled(headers[':path'] ?? '', `${remoteAddress}:${remotePort}`, code);
    });
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Tells every client to make its next call elsewhere; what it sent before it hears this is served. */
  announceEnd(): void {
    for (const session of this.#sessions) {
      if (!session.closed && !session.destroyed) session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM);
    }
  }

  /** grpc-js forgets its connections when channelz is off, and `forceShutdown` then closes none. */
  cut(): void {
    for (const session of this.#sessions) session.destroy();
  }
}

/** Of two `authorization` headers Node drops the second in silence; whoever sends two must be refused. */
function keepRepeatedAuthorization(headers: IncomingHttpHeaders, raw: readonly string[]): void {
  const first = raw.indexOf('authorization');
  if (first < 0 || !raw.includes('authorization', first + 1)) return;
  const values = raw.filter((_, i) => i % 2 === 1 && raw[i - 1] === 'authorization');
  if (values.length > 1) Object.assign(headers, { authorization: values });
}

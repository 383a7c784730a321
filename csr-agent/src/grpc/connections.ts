import {
  constants,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { status, type Server } from '@grpc/grpc-js';
import type { CallObserver, UnhandledCall } from '../observe.ts';
import { Admission } from './admission.ts';
import { HEALTH_SERVICE } from './health.ts';
import { StreamDeadlines } from './stream_deadlines.ts';

/** RFC 9113 §6.8: the first GOAWAY of a graceful end names the greatest stream, so that calls on their way are served. */
const LAST_STREAM = 2 ** 31 - 1;

const SWEEP_MS = 1_000;

/** Statuses that grpc-js gives on its own, before a call reaches a handler; our handlers give none of them. */
const UNHANDLED = new Set<status>([status.UNKNOWN, status.RESOURCE_EXHAUSTED, status.UNIMPLEMENTED, status.INTERNAL]);

/**
 * What grpc-js keeps to itself of its HTTP/2 servers: the connections, and the headers as they came. It is pinned to an
 * exact version; another shape fails at start.
 */
export class Connections {
  /** By peer. */
  readonly #sessions = new Map<string, ServerHttp2Session>();
  /** Authenticated calls that are not over, by peer. */
  readonly #calls = new Map<string, number>();
  readonly #unhandled: UnhandledCall;
  readonly #admission: Admission;
  readonly #deadlines = new StreamDeadlines({
    code: constants.NGHTTP2_ENHANCE_YOUR_CALM,
    now: () => performance.now(),
  });

  /** @param maximum connections, those included that are still in their handshake */
  constructor({ unhandled, crowded }: Pick<CallObserver, 'unhandled' | 'crowded'>, maximum: number) {
    this.#unhandled = unhandled;
    this.#admission = new Admission(maximum, crowded);
  }

  /** @param server after it was bound */
  watch(server: Server): void {
    const { http2Servers } = server as unknown as { http2Servers?: unknown };
    if (!(http2Servers instanceof Map) || http2Servers.size === 0) {
      throw new TypeError('this version of grpc-js does not keep its HTTP/2 servers in http2Servers');
    }
    const sweep = setInterval(() => this.#deadlines.sweep(), SWEEP_MS).unref();
    for (const http2 of http2Servers.keys() as Iterable<Http2SecureServer>) {
      http2.once('close', () => clearInterval(sweep));
      http2.prependListener('connection', (socket: Socket) => this.#admit(socket));
      http2.prependListener('stream', (stream: ServerHttp2Stream, headers, _flags, raw) => {
        keepRepeatedAuthorization(headers, raw);
        this.#deadlines.add(stream, headers[':path'] === HEALTH_SERVICE.Watch.path);
        this.#watchEnd(stream, headers);
      });
      http2.on('session', (session) => {
        const peer = peerOf(session.socket);
        this.#sessions.set(peer, session);
        session.once('close', () => this.#sessions.delete(peer));
      });
    }
  }

  #admit(socket: Socket): void {
    const peer = peerOf(socket);
    const end = (): void => {
      // With the session first, which else would take the loss of its socket for an error.
      this.#sessions.get(peer)?.destroy();
      socket.destroy();
    };
    if (!this.#admission.admit(peer, { end, busy: () => this.#calls.has(peer) })) return end();
    socket.once('close', () => this.#admission.remove(peer));
  }

  /**
   * An authenticated call begins.
   *
   * @param peer as grpc-js spells it
   * @param caller the pod that has proven who it is
   * @returns to be called when the call is over
   */
  working(peer: string, caller: string): () => void {
    this.#admission.prove(peer, caller);
    this.#calls.set(peer, (this.#calls.get(peer) ?? 0) + 1);
    return () => {
      const left = (this.#calls.get(peer) ?? 1) - 1;
      if (left === 0) this.#calls.delete(peer);
      else this.#calls.set(peer, left);
    };
  }

  #watchEnd(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const peer = peerOf(stream.session?.socket);
    stream.once('close', () => {
      const code = Number(stream.sentTrailers?.['grpc-status'] ?? stream.sentHeaders?.['grpc-status'] ?? -1);
      if (UNHANDLED.has(code)) this.#unhandled(headers[':path'] ?? '', peer, code);
    });
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Tells every client to make its next call elsewhere; what it sent before it hears this is served. */
  announceEnd(): void {
    for (const session of this.#sessions.values()) {
      if (!session.closed && !session.destroyed) session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM);
    }
  }

  /** grpc-js forgets its connections when channelz is off, and `forceShutdown` then closes none. */
  cut(): void {
    for (const session of this.#sessions.values()) session.destroy();
  }
}

const peerOf = (socket: Pick<Socket, 'remoteAddress' | 'remotePort'> | undefined): string =>
  `${socket?.remoteAddress}:${socket?.remotePort}`;

/** Of two `authorization` headers Node drops the second in silence; whoever sends two must be refused. */
function keepRepeatedAuthorization(headers: IncomingHttpHeaders, raw: readonly string[]): void {
  const first = raw.indexOf('authorization');
  if (first < 0 || !raw.includes('authorization', first + 1)) return;
  const values = raw.filter((_, i) => i % 2 === 1 && raw[i - 1] === 'authorization');
  if (values.length > 1) Object.assign(headers, { authorization: values });
}

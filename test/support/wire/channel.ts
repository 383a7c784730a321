import http2 from 'node:http2';
import tls from 'node:tls';

export const CREATE_CERTIFICATE = '/istio.v1.auth.IstioCertificateService/CreateCertificate';

export interface ChannelOptions {
  host: string;
  port: number;
  /** The name that is sent as SNI and compared with the DNS SANs. */
  serverName: string;
  /** PEM of the roots that may vouch for the server. */
  roots: string;
  minVersion?: 'TLSv1.2' | 'TLSv1.3';
  maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  ciphers?: string;
  groups?: string;
  /** PEM; shown to a server that asks for it. */
  clientCertificate?: { cert: string; key: string };
}

/** A status other than OK; `code` is the number of gRPC (0–16), or -1 where the transport failed before there was one. */
export class GrpcError extends Error {
  readonly code: number;
  constructor(code: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

export function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** @throws GrpcError unless it is exactly one uncompressed message. */
export function unframe(body: Buffer): Buffer {
  if (body.length < 5) throw new GrpcError(13, 'no message in the response');
  if (body[0] !== 0) throw new GrpcError(13, 'a compressed message was not asked for');
  if (body.readUInt32BE(1) !== body.length - 5) throw new GrpcError(13, 'not exactly one message');
  return body.subarray(5);
}

/**
 * One pooled HTTP/2 connection over TLS, opened when needed and again when it was lost, as the clients of the mesh keep it
 * (istio-contract §A3): SNI and DNS SAN of the address, ALPN h2 only, no client certificate, no deadline.
 */
export class Channel {
  readonly #options: ChannelOptions;
  #session: http2.ClientHttp2Session | undefined;
  connections = 0;

  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  /** The TLS socket in use, for a test that asks what was negotiated. */
  get socket(): tls.TLSSocket | undefined {
    const socket = this.#session?.socket;
    return socket instanceof tls.TLSSocket ? socket : (socket as unknown as tls.TLSSocket | undefined);
  }

  #open(): Promise<http2.ClientHttp2Session> {
    const live = this.#session;
    if (live !== undefined && !live.closed && !live.destroyed) return Promise.resolve(live);
    const { host, port, serverName, roots, minVersion, maxVersion, ciphers, groups, clientCertificate } = this.#options;
    return new Promise((resolve, reject) => {
      // Not in the types yet: a test sends a header twice that may come once.
      const lenient = { strictSingleValueFields: false };
      const session = http2.connect(`https://${serverName}:${port}`, {
        ...lenient,
        createConnection: () =>
          tls.connect({
            host,
            port,
            servername: serverName,
            ca: roots,
            ALPNProtocols: ['h2'],
            minVersion: minVersion ?? 'TLSv1.3',
            maxVersion: maxVersion ?? 'TLSv1.3',
            ...(ciphers === undefined ? {} : { ciphers }),
            ...(groups === undefined ? {} : { ecdhCurve: groups }),
            ...clientCertificate,
          }),
      });
      this.#session = session;
      this.connections++;
      session.once('connect', () => resolve(session));
      session.once('error', (cause) => reject(new GrpcError(-1, 'client error (Connect)', { cause })));
      session.once('close', () => {
        if (this.#session === session) this.#session = undefined;
        reject(new GrpcError(-1, 'client error (Connect)'));
      });
      session.on('goaway', () => {
        if (this.#session === session) this.#session = undefined;
      });
    });
  }

  /**
   * @param headers beside those of gRPC itself
   * @returns the one message of the answer
   * @throws GrpcError
   */
  async unary(
    path: string,
    headers: http2.OutgoingHttpHeaders,
    message: Uint8Array,
    signal?: AbortSignal,
  ): Promise<Buffer> {
    const session = await this.#open();
    return new Promise((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':scheme': 'https',
        ':authority': `${this.#options.serverName}:${this.#options.port}`,
        ':path': path,
        te: 'trailers',
        'content-type': 'application/grpc',
        ...headers,
      });
      let answer: http2.IncomingHttpHeaders = {};
      let trailers: http2.IncomingHttpHeaders | undefined;
      const chunks: Buffer[] = [];
      const abort = (): void => stream.close(http2.constants.NGHTTP2_CANCEL);
      signal?.addEventListener('abort', abort, { once: true });
      stream.on('response', (received) => (answer = received));
      stream.on('trailers', (received) => (trailers = received));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('error', (cause) => reject(new GrpcError(-1, 'client error (SendRequest)', { cause })));
      stream.once('close', () => {
        signal?.removeEventListener('abort', abort);
        // Trailers-only answers carry the status in the header block (gRPC over HTTP/2, "Responses").
        const status = (trailers ?? answer)['grpc-status'];
        if (status === undefined)
          return reject(new GrpcError(-1, `stream closed without a status (HTTP ${String(answer[':status'])})`));
        if (status !== '0')
          return reject(
            new GrpcError(Number(status), decodeURIComponent(String((trailers ?? answer)['grpc-message'] ?? ''))),
          );
        try {
          resolve(unframe(Buffer.concat(chunks)));
        } catch (error) {
          reject(error);
        }
      });
      stream.end(frame(message));
    });
  }

  close(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }
}

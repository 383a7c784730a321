import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import zlib from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ztunnelCsr } from '../../support/client/csr.ts';
import { podToken } from '../../support/token.ts';
import { CREATE_CERTIFICATE, frame } from '../../support/wire/channel.ts';
import { encodeRequest } from '../../support/wire/protobuf.ts';
import { PODS, SERVER_NAME, startFront, tokenIssuer, type Front } from '../front.ts';

const IDENTITY = 'spiffe://cluster.local/ns/bookinfo/sa/productpage';
const message = encodeRequest({ csr: ztunnelCsr(IDENTITY).pem, validityDuration: 86_400 });
const token = podToken(tokenIssuer, PODS.productpage);
const UNAUTHENTICATED = '16';

let front: Front;
let session: http2.ClientHttp2Session;
beforeAll(async () => {
  front = await startFront();
});
afterAll(() => front.server.drain(0));
beforeEach(async () => {
  front.signer.asked.length = 0;
  front.reports.length = 0;
  front.unhandled.length = 0;
  // The last option is newer than the types; without it Node's client sends no header twice.
  const options = { createConnection: () => dial(['h2']), strictSingleValueFields: false };
  session = http2.connect(`https://${SERVER_NAME}:${front.port}`, options);
  session.on('error', () => undefined);
  // The server's limits count from its settings on.
  await new Promise((resolve) => session.once('remoteSettings', resolve));
});
afterEach(() => session.destroy());

function dial(ALPNProtocols?: string[]): tls.TLSSocket {
  const { port, roots: ca } = front;
  return tls.connect({ port, host: '127.0.0.1', ca, servername: SERVER_NAME, ...(ALPNProtocols && { ALPNProtocols }) });
}

interface Answer {
  status: string;
}

/** Sends headers as a list, so that one may come twice, and bytes as they are. */
function send(more: readonly string[], body: Uint8Array, path: string = CREATE_CERTIFICATE): Promise<Answer> {
  const fixed = { ':method': 'POST', ':scheme': 'https', ':authority': SERVER_NAME, te: 'trailers' };
  const usual = { ...fixed, ':path': path, 'content-type': 'application/grpc' };
  const stream = session.request([...Object.entries(usual).flat(), ...more]);
  return new Promise((resolve) => {
    let head: http2.IncomingHttpHeaders = {};
    let trailers: http2.IncomingHttpHeaders = {};
    stream.on('response', (headers) => (head = headers));
    stream.on('trailers', (headers) => (trailers = headers));
    stream.on('error', () => undefined);
    stream.on('close', () => {
      const status = trailers['grpc-status'] ?? head['grpc-status'] ?? 'none';
      resolve({ status: String(status) });
    });
    stream.resume();
    stream.end(body);
  });
}

const bearer = (value = token) => ['authorization', `Bearer ${value}`];

describe('a client that does not keep to the rules', () => {
  it('two authorization headers are refused, though each alone is good', async () => {
    expect((await send(bearer(), frame(message))).status).toBe('0');
    expect((await send([...bearer(), ...bearer()], frame(message))).status).toBe(UNAUTHENTICATED);
    expect(front.reports[1]?.outcome).toMatchObject({ code: 'token-repeated' });
  });

  it('a token in a header that gRPC cannot take is not printed', async () => {
    const printed = ['error', 'log', 'warn'] as const;
    const spies = printed.map((name) => vi.spyOn(console, name).mockImplementation(() => undefined));
    const answer = await send(['authorization', `Bearer ${token}\u00e9`], frame(message));
    expect(answer.status).toBe(UNAUTHENTICATED);
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  it('headers of more than 16 KiB reach nobody', async () => {
    const answer = await send([...bearer(), 'x-filler', 'a'.repeat(17_000)], frame(message));
    expect(answer.status).toBe('none');
    expect(front.signer.asked).toHaveLength(0);
  });

  it('a hundred headers reach nobody', async () => {
    const many = Array.from({ length: 100 }, (_, i) => [`x-${i}`, 'a']).flat();
    expect((await send([...bearer(), ...many], frame(message))).status).toBe('none');
    expect(front.signer.asked).toHaveLength(0);
  });

  it.each([
    ['a frame that claims 4 GiB', Buffer.concat([Buffer.from('00ffffffff', 'hex'), message])],
    ['a frame that is cut off', frame(message).subarray(0, 200)],
    ['no message', Buffer.alloc(0)],
    ['two messages', Buffer.concat([frame(message), frame(message)])],
    ['a compressed message that grows to 8 MiB', compressed(Buffer.alloc(8 * 1024 * 1024))],
    ['a compressed message that is none', Buffer.concat([Buffer.from([1]), frame(message).subarray(1)])],
  ])('%s gets no certificate', async (_, body) => {
    const answer = await send([...bearer(), 'grpc-encoding', 'gzip'], body);
    expect(answer.status).not.toBe('0');
    expect(front.signer.asked).toHaveLength(0);
  });

  it('an encoding that is not known is refused', async () => {
    const body = Buffer.concat([Buffer.from([1]), frame(message).subarray(1)]);
    expect((await send([...bearer(), 'grpc-encoding', 'br'], body)).status).toBe('12');
  });

  it.each([
    ['another method', '/istio.v1.auth.IstioCertificateService/RevokeCertificate'],
    ['another service', '/istio.v1.auth.Other/CreateCertificate'],
    ['another spelling', `${CREATE_CERTIFICATE}/`],
    ['reflection', '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'],
  ])('%s is unimplemented, and that is recorded', async (_, path) => {
    expect((await send(bearer(), frame(message), path)).status).toBe('12');
    expect(front.unhandled).toEqual([`${path} 12`]);
  });

  it('a message above 64 KiB is refused before it is read, and that is recorded', async () => {
    expect((await send(bearer(), frame(Buffer.alloc(64 * 1024 + 1)))).status).toBe('8');
    await expect.poll(() => front.unhandled).toEqual([`${CREATE_CERTIFICATE} 8`]);
  });

  it('no more than a hundred calls are open on one connection', () => {
    expect(session.remoteSettings.maxConcurrentStreams).toBe(100);
  });

  it('a deadline in the past ends the call, not the connection', async () => {
    expect((await send([...bearer(), 'grpc-timeout', '0n'], frame(message))).status).toMatch(/^(?:4|0)$/);
    expect((await send(bearer(), frame(message))).status).toBe('0');
  });

  it('a window of one octet delays nobody else', async () => {
    const slow = http2.connect(`https://${SERVER_NAME}:${front.port}`, {
      createConnection: () => dial(['h2']),
      settings: { initialWindowSize: 1 },
    });
    slow.on('error', () => undefined);
    const stuck = slow.request({ ':path': CREATE_CERTIFICATE, ':method': 'POST', 'content-type': 'application/grpc' });
    stuck.on('error', () => undefined);
    stuck.end(frame(message));
    expect((await send(bearer(), frame(message))).status).toBe('0');
    slow.destroy();
  });
});

function compressed(content: Uint8Array): Buffer {
  const body = frame(zlib.gzipSync(content));
  body[0] = 1;
  return body;
}

const outcome = (socket: tls.TLSSocket): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    socket.on('close', () => resolve(text));
  });

describe('ALPN', () => {
  it('a client that offers only HTTP/1.1 is refused in the handshake', async () => {
    expect(await outcome(dial(['http/1.1']))).toContain('ALERT_NO_APPLICATION_PROTOCOL');
  });

  it('a client that offers nothing gets no HTTP/2', async () => {
    const socket = dial();
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    expect(await outcome(socket)).toMatch(/^HTTP\/1\.0 403/);
  });
});

describe('a peer that speaks no TLS', () => {
  it('is hung up on', async () => {
    const socket = net.connect({ port: front.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.end('GET / HTTP/1.1\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect((await send(bearer(), frame(message))).status).toBe('0');
  });
});

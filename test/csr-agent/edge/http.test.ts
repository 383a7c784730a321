import { createServer as createPlain, type RequestListener, type Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../csr-agent/src/clock.ts';
import { HttpClient } from '../../../csr-agent/src/edge/http.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { encodePem } from '../../../pki/src/pem.ts';
import { makeIntermediate, makeLeaf, makeRoot } from '../support/authority.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function listen(server: Server, scheme: 'http' | 'https'): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `${scheme}://localhost:${(server.address() as AddressInfo).port}`;
}

const plain = (listener: RequestListener): Promise<string> => listen(createPlain(listener), 'http');

function client(url: string, caPem: string | null = null): HttpClient {
  const made = new HttpClient({ url, caPem, proxy: null, maxAnswerBytes: 1_000, clock: systemClock });
  ends.push(() => made.close());
  return made;
}

const post = (http: HttpClient, deadlineMs = 2_000) =>
  http.post('/v1/x', { accept: 'x' }, Buffer.from('body'), deadlineMs);
const ok: RequestListener = (_request, response) => response.end('fine');

async function privately(): Promise<{ url: string; rootPem: string }> {
  const root = await makeRoot();
  const intermediate = await makeIntermediate(root, 'serving');
  const key = generateNodeKey('ec-p256');
  const leaf = makeLeaf(intermediate, { profile: 'serving', dnsNames: ['localhost'], spki: key.spki });
  const cert = [leaf, intermediate.der].map((der) => encodePem('CERTIFICATE', der)).join('');
  const server = createServer({ cert, key: encodePem('PRIVATE KEY', key.pkcs8) }, ok);
  return { url: await listen(server, 'https'), rootPem: encodePem('CERTIFICATE', root.der) };
}

describe('a CA behind a private certificate', () => {
  it('is reached with its root', async () => {
    const { url, rootPem } = await privately();
    expect(Buffer.from((await post(client(url, rootPem))).body).toString()).toBe('fine');
  });

  it('is not reached without it, nor with another', async () => {
    const { url } = await privately();
    await expect(post(client(url))).rejects.toMatchObject({ code: 'unreachable' });
    const { rootPem } = await privately();
    await expect(post(client(url, rootPem))).rejects.toMatchObject({ code: 'unreachable' });
  });
});

describe('a call', () => {
  it('sends what it was given, over a kept connection', async () => {
    const ports = new Set<number | undefined>();
    const seen: unknown[] = [];
    const url = await plain((request, response) => {
      ports.add(request.socket.remotePort);
      seen.push([request.method, request.url, request.headers.accept, request.headers['content-length']]);
      response.setHeader('signature', 'sig=1').end('{}');
    });
    const http = client(url);
    const answer = await post(http);
    await post(http);
    expect(seen[0]).toEqual(['POST', '/v1/x', 'x', '4']);
    expect(ports.size).toBe(1);
    expect(answer.header('signature')).toBe('sig=1');
    expect(answer.header('content-digest')).toBeNull();
    expect(answer.receivedAt).toBeGreaterThanOrEqual(answer.sentAt);
  });

  it('ends at its deadline, also when only the body does not end', async () => {
    const silent = client(await plain(() => {}));
    await expect(post(silent, 100)).rejects.toMatchObject({ code: 'deadline' });
    const slow = client(await plain((_request, response) => response.write('begin')));
    await expect(post(slow, 100)).rejects.toMatchObject({ code: 'deadline' });
  });

  it('ends when the answer grows too large, and when it is cut short', async () => {
    const large = client(await plain((_request, response) => response.end('x'.repeat(2_000))));
    await expect(post(large)).rejects.toMatchObject({ code: 'answer-too-large' });
    const cut = client(
      await plain((_request, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('begin');
        setTimeout(() => response.destroy(), 20);
      }),
    );
    await expect(post(cut)).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('follows no redirect', async () => {
    const url = await plain((_request, response) => response.writeHead(307, { location: 'http://localhost:1/' }).end());
    expect((await post(client(url))).status).toBe(307);
  });

  it('tells a kept connection that had gone from a CA that is not there', async () => {
    const sockets: { destroy(): void }[] = [];
    const url = await plain((request, response) => {
      if (sockets.push(request.socket) === 1) response.end('fine');
      else request.socket.destroy();
    });
    const http = client(url);
    await post(http);
    await expect(post(http)).rejects.toMatchObject({ code: 'connection-lost' });
    await expect(post(client('http://localhost:1'))).rejects.toMatchObject({ code: 'unreachable' });
  });
});

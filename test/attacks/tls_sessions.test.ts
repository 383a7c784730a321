import { spawn } from 'node:child_process';
import tls from 'node:tls';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { preface } from '../bench/h2_frames.ts';
import { SERVER_NAME, startFront, type Front } from '../csr-agent/front.ts';
import { until } from '../support/processes.ts';
import { opensslVersion } from '../support/verify/openssl.ts';

let front: Front;
const sockets: tls.TLSSocket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await front.server.drain(0);
});

interface Connected {
  socket: tls.TLSSocket;
  session: Buffer;
  reused: boolean;
}

/** Waits for the session ticket, which TLS 1.3 sends after the handshake. */
async function connect(options: tls.ConnectionOptions = {}): Promise<Connected> {
  const { port, roots: ca } = front;
  let session: Buffer | undefined;
  const named = { host: '127.0.0.1', servername: SERVER_NAME, ALPNProtocols: ['h2'] };
  const socket = tls.connect({ ...named, port, ca, ...options });
  sockets.push(socket);
  socket.on('session', (ticket) => (session = ticket));
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  const reused = socket.isSessionReused();
  socket.on('error', () => undefined).resume();
  socket.write(preface());
  return { socket, reused, session: await until('a session', 20_000, () => session ?? (reused && Buffer.alloc(1))) };
}

describe.each(['TLSv1.3', 'TLSv1.2'] as const)('a session of %s', (version) => {
  const begin = async (): Promise<Connected> => {
    front = await startFront({ minTls: '1.2' });
    return connect({ maxVersion: version });
  };

  test('is resumed while the serving certificate is the same', async () => {
    const { session } = await begin();
    expect((await connect({ maxVersion: version, session })).reused).toBe(true);
  });

  test('is not resumed once the serving certificate was replaced: the next handshake shows the new one', async () => {
    const { socket, session } = await begin();
    front.server.replaceCertificate(front.certificate());
    const next = await connect({ maxVersion: version, session });
    expect(next.reused).toBe(false);
    expect(next.socket.getPeerX509Certificate()?.serialNumber).not.toBe(socket.getPeerX509Certificate()?.serialNumber);
  });

  test('of one agent is not taken by another', async () => {
    const { session } = await begin();
    await front.server.drain(0);
    front = await startFront({ minTls: '1.2' });
    const ca = front.roots;
    expect((await connect({ maxVersion: version, session, ca })).reused).toBe(false);
  });

  test('carries no client certificate: none is asked for', async () => {
    const { socket } = await begin();
    expect(socket.getCertificate()).toEqual({});
  });
});

test('TLS 1.2 is not renegotiated', async () => {
  front = await startFront({ minTls: '1.2' });
  const { socket } = await connect({ maxVersion: 'TLSv1.2' });
  const refused = new Promise<string>((resolve) => {
    socket.on('error', (error) => resolve(error.message));
    socket.renegotiate({}, (error) => resolve(error?.message ?? 'renegotiated'));
  });
  expect(await refused).toMatch(/no renegotiation/);
});

test('a client that speaks no ALPN is told so in HTTP/1.0 and hung up on', async () => {
  front = await startFront();
  const socket = tls.connect({ host: '127.0.0.1', port: front.port, ca: front.roots, servername: SERVER_NAME });
  sockets.push(socket);
  let said = '';
  socket.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
  await new Promise((resolve) => socket.once('close', resolve));
  expect(said).toMatch(/^HTTP\/1\.0 403 /);
});

test.skipIf(opensslVersion() === undefined)('OpenSSL sees no early data, compression or client CA list', async () => {
  front = await startFront();
  const folder = mkdtempSync(join(tmpdir(), 'tls-'));
  const roots = join(folder, 'roots.pem');
  writeFileSync(roots, front.roots);
  const args = ['s_client', '-connect', `127.0.0.1:${front.port}`, '-servername', SERVER_NAME, '-CAfile', roots];
  const client = spawn('openssl', [...args, '-alpn', 'h2'], { stdio: ['pipe', 'pipe', 'ignore'] });
  let said = '';
  client.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  // What is no HTTP/2 makes the server end the connection, after the session tickets that it sent first.
  client.stdin.write('GET / HTTP/1.1\r\n\r\n');
  await new Promise((resolve) => client.once('close', resolve));
  rmSync(folder, { recursive: true });
  expect(said).toContain('ALPN protocol: h2');
  expect(said).toContain('Verification: OK');
  expect(said).toContain('Compression: NONE');
  expect(said).toContain('Max Early Data: 0');
  expect(said).toContain('No client certificate CA names sent');
});

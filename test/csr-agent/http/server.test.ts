import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { probeRoutes, serveHttp } from '../../../csr-agent/src/http/server.ts';

let close = (): void => undefined;
afterEach(() => close());

async function probes(blockers: () => readonly string[]) {
  const routes = { ...probeRoutes(blockers), '/broken': () => Promise.reject(new Error('of ours')) };
  const { server, port } = await serveHttp({ host: '127.0.0.1', port: 0 }, routes);
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  const get = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return [answer.status, await answer.text()];
  };
  return { port, get };
}

describe('probes', () => {
  it('say ok when nothing blocks, also to a probe with a query', async () => {
    const { get } = await probes(() => []);
    expect(await get('/readyz')).toEqual([200, 'ok\n']);
    expect(await get('/livez?verbose')).toEqual([200, 'ok\n']);
  });

  it('say everything that blocks, and live all the same', async () => {
    const { get } = await probes(() => ['draining', 'no pods']);
    expect(await get('/readyz')).toEqual([503, 'draining\nno pods\n']);
    expect(await get('/livez')).toEqual([200, 'ok\n']);
  });

  it('know no other path and no other method', async () => {
    const { get } = await probes(() => []);
    for (const path of ['/', '/readyz/', '//readyz', '/__proto__', '/constructor', '/READYZ']) {
      expect(await get(path)).toEqual([404, 'not found\n']);
    }
    expect(await get('/readyz', 'POST')).toEqual([404, 'not found\n']);
  });

  it('answer a fault of ours without its text', async () => {
    const { get } = await probes(() => []);
    expect(await get('/broken')).toEqual([500, '']);
  });

  it('hang up on who sends 10 KiB of headers', async () => {
    const { port } = await probes(() => []);
    const socket = net.connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', () => undefined);
    socket.write(`GET /livez HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(10_240)}\r\n\r\n`);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
  });
});

it('an address in use is an error', async () => {
  const { port } = await probes(() => []);
  await expect(serveHttp({ host: '127.0.0.1', port }, {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../csr-agent/src/clock.ts';
import { HttpClient } from '../../../csr-agent/src/edge/http.ts';
import { proxyFor } from '../../../csr-agent/src/edge/proxy.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { encodePem } from '../../../pki/src/pem.ts';
import { ConnectProxy } from '../../support/connect_proxy.ts';
import { makeIntermediate, makeLeaf, makeRoot } from '../support/authority.ts';

const NAME = 'ca.example.org';
const URL = `https://${NAME}`;

let ca: Server;
let root: Awaited<ReturnType<typeof makeRoot>>;
let proxy: ConnectProxy;
let client: HttpClient;
const rootPem = () => encodePem('CERTIFICATE', root.der);
const pair = async (under: typeof root) => {
  const intermediate = await makeIntermediate(under, 'serving');
  const key = generateNodeKey('ec-p256');
  const leaf = makeLeaf(intermediate, { profile: 'serving', dnsNames: [NAME], spki: key.spki });
  const cert = [leaf, intermediate.der].map((der) => encodePem('CERTIFICATE', der)).join('');
  return { cert, key: encodePem('PRIVATE KEY', key.pkcs8) };
};

beforeEach(async () => {
  root = await makeRoot();
  ca = createServer(await pair(root), (request, response) => {
    request.resume().on('end', () => response.end('fine'));
  });
  await new Promise<void>((resolve) => ca.listen(0, '127.0.0.1', resolve));
  proxy = await ConnectProxy.start({ [`${NAME}:443`]: (ca.address() as AddressInfo).port }, 'user:s3cret');
  client = through(proxy.url);
});
afterEach(async () => {
  client.close();
  await proxy.stop();
  ca.closeAllConnections();
  ca.close();
});

function through(proxyUrl: string, caPem: string | null = rootPem()): HttpClient {
  const chosen = proxyFor(URL, null, { HTTPS_PROXY: proxyUrl });
  return new HttpClient({ url: URL, caPem, proxy: chosen, maxAnswerBytes: 1_000, clock: systemClock });
}
const post = (deadlineMs = 5_000) => client.post('/v1/x', {}, Buffer.from('body'), deadlineMs);

describe('a call through a proxy', () => {
  it('asks it for the name of the CA, with its credentials, and keeps the tunnel', async () => {
    expect((await post()).status).toBe(200);
    expect((await post()).status).toBe(200);
    expect(proxy.asked).toEqual([`${NAME}:443`]);
    expect(proxy.tunnels).toBe(1);
  });

  it('opens no more tunnels than calls in flight, and uses them again', async () => {
    await Promise.all([post(), post(), post()]);
    await Promise.all([post(), post(), post()]);
    expect(proxy.tunnels).toBe(3);
  });

  it('opens another tunnel when the one it kept has gone', async () => {
    await post();
    ca.closeAllConnections();
    await expect
      .poll(() =>
        post().then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
    expect(proxy.tunnels).toBe(2);
  });

  it('trusts no TLS but that of the CA: the proxy cannot answer in its place', async () => {
    client.close();
    client = through(proxy.url, encodePem('CERTIFICATE', (await makeRoot()).der));
    await expect(post()).rejects.toMatchObject({ code: 'unreachable' });
  });

  it.each([
    ['that wants other credentials', () => void (client = through(proxy.url.replace('s3cret', 'wr0ng'))), /407/],
    ['that refuses', () => void (proxy.mood = { answer: 'HTTP/1.1 403 Forbidden\r\n\r\n' }), /403 Forbidden/],
    ['that speaks something else', () => void (proxy.mood = { answer: 'SSH-2.0-x\r\n\r\n' }), /SSH-2.0-x/],
    ['that hangs up', () => void (proxy.mood = { answer: '' }), /./],
    ['that is not there', () => void (client = through('http://user:s3cret@127.0.0.1:1')), /ECONNREFUSED/],
  ])('fails as unreachable by a proxy %s, and says so without the password', async (_, spoil, reason) => {
    spoil();
    const error: unknown = await post().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unreachable', message: expect.stringMatching(reason) as string });
    expect(JSON.stringify([error, String(error)])).not.toMatch(/s3cret|wr0ng/);
  });

  it('ends at its deadline when the proxy does not answer, and the next calls find room', async () => {
    proxy.mood = 'hang';
    const calls = Array.from({ length: 30 }, () => post(200));
    for (const { status, reason } of (await Promise.allSettled(calls)) as PromiseRejectedResult[]) {
      expect(status).toBe('rejected');
      expect((reason as { code: string }).code).toMatch(/deadline|unreachable/);
    }
    // A connection that waits for its tunnel is no request's yet, and would stay for as long as the proxy keeps it.
    await expect.poll(() => proxy.open).toBe(0);
    proxy.mood = 'tunnel';
    expect((await post()).status).toBe(200);
  });
});

describe('roots that change', () => {
  it('count for the next call, and no connection or session of the old ones is used again', async () => {
    await post();
    const next = await makeRoot();
    client.trust(encodePem('CERTIFICATE', next.der));
    await expect(post()).rejects.toMatchObject({ code: 'unreachable' });
    ca.setSecureContext(await pair(next));
    expect((await post()).status).toBe(200);
  });

  it('may be many, in one text', async () => {
    client.trust(`# one\n${encodePem('CERTIFICATE', (await makeRoot()).der)}\n# two\n${rootPem()}`);
    expect((await post()).status).toBe(200);
  });

  it('leave a call in flight to end as it began', async () => {
    let waiting: ServerResponse | undefined;
    ca.removeAllListeners('request').on('request', (_request, response: ServerResponse) => (waiting = response));
    const held = post();
    await expect.poll(() => waiting).toBeDefined();
    client.trust(encodePem('CERTIFICATE', (await makeRoot()).der));
    waiting?.end('late');
    expect(Buffer.from((await held).body).toString()).toBe('late');
  });
});

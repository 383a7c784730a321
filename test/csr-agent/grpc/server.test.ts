import http2 from 'node:http2';
import tls from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PilotAgent } from '../../support/client/pilot_agent.ts';
import { ztunnelCsr } from '../../support/client/csr.ts';
import { Ztunnel } from '../../support/client/ztunnel.ts';
import { podToken } from '../../support/token.ts';
import { Channel, CREATE_CERTIFICATE } from '../../support/wire/channel.ts';
import { PODS, SERVER_NAME, startFront, tokenIssuer, type Front } from '../front.ts';

const REVIEWS = 'spiffe://cluster.local/ns/bookinfo/sa/reviews';
const PRODUCTPAGE = 'spiffe://cluster.local/ns/bookinfo/sa/productpage';

let front: Front;
beforeEach(async () => {
  front = await startFront();
});
afterEach(async () => {
  await front.server.drain(0);
});

const address = () => ({ host: '127.0.0.1', port: front.port, serverName: SERVER_NAME, roots: front.roots });
const ztunnel = (pod: keyof typeof PODS, mode: 'shared' | 'dedicated' = 'shared') =>
  new Ztunnel({ ...address(), mode, clusterId: 'Kubernetes', token: () => podToken(tokenIssuer, PODS[pod]) });

describe('the gRPC front', () => {
  it('answers a ztunnel that asks for a pod of its node, and hands the signer the facts', async () => {
    const client = ztunnel('ztunnelB');
    expect(await client.fetchChain(REVIEWS, ztunnelCsr(REVIEWS).pem)).toEqual(['leaf\n', 'root\n']);
    const [asked] = front.signer.asked;
    expect(asked).toMatchObject({
      identityText: REVIEWS,
      impersonated: true,
      ttlSeconds: 86_400,
      target: PODS.reviews,
      caller: { pod: PODS.ztunnelB, serviceAccount: 'ztunnel' },
    });
    client.channel.close();
  });

  it('answers a dedicated ztunnel for itself', async () => {
    const client = ztunnel('productpage', 'dedicated');
    await client.fetchChain(PRODUCTPAGE, ztunnelCsr(PRODUCTPAGE).pem);
    expect(front.signer.asked[0]).toMatchObject({
      identityText: PRODUCTPAGE,
      impersonated: false,
      target: PODS.productpage,
    });
    client.channel.close();
  });

  it.each(['rsa-2048', 'ec-p256', 'ec-p384'] as const)('answers a pilot-agent with a key of type %s', async (key) => {
    const client = new PilotAgent({
      ...address(),
      key,
      clusterId: 'Kubernetes',
      token: () => `${podToken(tokenIssuer, PODS.productpage)}\n`,
    });
    const { chain } = await client.csrSign(PRODUCTPAGE);
    expect(chain).toEqual(['leaf\n', 'root\n']);
    client.close();
  });

  it('negotiates TLS 1.3 with the hybrid group, and with P-256 for a client that has nothing else', async () => {
    for (const [groups, expected] of [
      ['X25519MLKEM768', 'X25519MLKEM768'],
      ['P-256', 'prime256v1'],
      ['P-384', 'secp384r1'],
    ] as const) {
      const client = new Channel({ ...address(), groups });
      await client.unary(CREATE_CERTIFICATE, {}, Buffer.alloc(0)).catch(() => undefined);
      expect(client.socket?.getProtocol()).toBe('TLSv1.3');
      const used = client.socket?.getEphemeralKeyInfo() as { name?: string } | undefined;
      if (used?.name !== undefined) expect(used.name).toBe(expected);
      client.close();
    }
  });

  it('refuses TLS 1.2 unless it is switched on', async () => {
    const connect = (port: number): Promise<string> =>
      new Promise((resolve) => {
        const socket = tls.connect({
          port,
          host: '127.0.0.1',
          ca: front.roots,
          servername: SERVER_NAME,
          maxVersion: 'TLSv1.2',
          ALPNProtocols: ['h2'],
        });
        socket.once('secureConnect', () => resolve(socket.getProtocol() ?? ''));
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
      });
    expect(await connect(front.port)).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    const older = await startFront({ minTls: '1.2' });
    front = { ...front, roots: older.roots };
    expect(await connect(older.port)).toBe('TLSv1.2');
    await older.server.drain(0);
  });

  it('gives new connections a replaced certificate and leaves those that stand alone', async () => {
    const first = ztunnel('productpage', 'dedicated');
    await first.fetchChain(PRODUCTPAGE, ztunnelCsr(PRODUCTPAGE).pem);
    const before = first.channel.socket?.getPeerX509Certificate()?.serialNumber;
    front.server.replaceCertificate(front.certificate());
    const second = ztunnel('productpage', 'dedicated');
    await second.fetchChain(PRODUCTPAGE, ztunnelCsr(PRODUCTPAGE).pem);
    expect(second.channel.socket?.getPeerX509Certificate()?.serialNumber).not.toBe(before);
    await first.fetchChain(PRODUCTPAGE, ztunnelCsr(PRODUCTPAGE).pem);
    expect(first.channel.connections).toBe(1);
    first.channel.close();
    second.channel.close();
  });

  it('keeps its certificate when the one that should replace it does not fit its key', async () => {
    const { keyPem } = front.certificate();
    const { certPem } = front.certificate();
    expect(() => front.server.replaceCertificate({ keyPem, certPem })).toThrow(/key values mismatch/);
    const client = ztunnel('productpage', 'dedicated');
    expect(await client.fetchChain(PRODUCTPAGE, ztunnelCsr(PRODUCTPAGE).pem)).toHaveLength(2);
    client.channel.close();
  });

  it('does not tell the signer that a client has gone that was answered', async () => {
    const client = ztunnel('productpage', 'dedicated');
    await client.fetchChain(PRODUCTPAGE, ztunnelCsr(PRODUCTPAGE).pem);
    client.channel.close();
    await new Promise((resolve) => void setTimeout(resolve, 50));
    expect(front.signer.asked[0]?.cancelled.aborted).toBe(false);
  });

  it('tells the signer when the client has gone', async () => {
    let cancelled: AbortSignal | undefined;
    front.signer.answer = (request) => {
      cancelled = request.cancelled;
      return new Promise(() => undefined);
    };
    const client = ztunnel('productpage', 'dedicated');
    const gone = new AbortController();
    const call = client.fetchChain(PRODUCTPAGE, ztunnelCsr(PRODUCTPAGE).pem, gone.signal).catch(() => undefined);
    await expect.poll(() => cancelled).toBeDefined();
    gone.abort();
    await call;
    await expect.poll(() => cancelled?.aborted).toBe(true);
    client.channel.close();
  });

  it('drains: held calls and calls on their way are answered, later ones are not taken', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const answered = front.signer.answer;
    front.signer.answer = async (request) => {
      await released;
      return answered(request);
    };
    const [client, other, late] = [1, 2, 3].map(() => ztunnel('productpage', 'dedicated')) as [
      Ztunnel,
      Ztunnel,
      Ztunnel,
    ];
    const held = client.fetchChain(PRODUCTPAGE, ztunnelCsr(PRODUCTPAGE).pem);
    await expect.poll(() => front.signer.asked.length).toBe(1);
    const drained = front.server.drain(60_000);
    const onItsWay = other.fetchChain(PRODUCTPAGE, ztunnelCsr(PRODUCTPAGE).pem);
    await expect.poll(() => front.signer.asked.length).toBe(2);
    await new Promise((resolve) => void setTimeout(resolve, 700));
    await expect(late.fetchChain(PRODUCTPAGE, ztunnelCsr(PRODUCTPAGE).pem)).rejects.toMatchObject({ code: -1 });
    release();
    expect(await held).toEqual(['leaf\n', 'root\n']);
    expect(await onItsWay).toEqual(['leaf\n', 'root\n']);
    client.channel.close();
    other.channel.close();
    expect(await drained).toBe('drained');
  });

  it('cuts calls that are still held when the grace is over', async () => {
    front.signer.answer = () => new Promise(() => undefined);
    const client = ztunnel('productpage', 'dedicated');
    const held = client.fetchChain(PRODUCTPAGE, ztunnelCsr(PRODUCTPAGE).pem);
    await expect.poll(() => front.signer.asked.length).toBe(1);
    const [end] = await Promise.all([front.server.drain(200), expect(held).rejects.toMatchObject({ code: -1 })]);
    expect(end).toBe('cut');
    client.channel.close();
  });

  it('answers gRPC health for itself and the CA service, and knows no other', async () => {
    const client = new Channel(address());
    const check = (service: string) =>
      client.unary(
        '/grpc.health.v1.Health/Check',
        {},
        service === '' ? Buffer.alloc(0) : Buffer.from([0x0a, service.length, ...Buffer.from(service)]),
      );
    expect([...(await check(''))]).toEqual([8, 1]);
    expect([...(await check('istio.v1.auth.IstioCertificateService'))]).toEqual([8, 1]);
    expect([...(await check('other'))]).toEqual([8, 3]);
    client.close();
  });

  it('refuses a message above 64 KiB before it reads it', async () => {
    const client = new Channel(address());
    await expect(client.unary(CREATE_CERTIFICATE, {}, Buffer.alloc(64 * 1024 + 1))).rejects.toMatchObject({ code: 8 });
    expect(front.signer.asked).toHaveLength(0);
    client.close();
  });

  it('outlives a client that resets thousands of streams', async () => {
    const session = http2.connect(`https://${SERVER_NAME}:${front.port}`, {
      createConnection: () =>
        tls.connect({
          port: front.port,
          host: '127.0.0.1',
          ca: front.roots,
          servername: SERVER_NAME,
          ALPNProtocols: ['h2'],
        }),
    });
    session.on('error', () => undefined);
    await new Promise((resolve) => session.once('connect', resolve));
    for (let i = 0; i < 5000 && !session.destroyed; i++) {
      const stream = session.request({
        ':method': 'POST',
        ':path': CREATE_CERTIFICATE,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      stream.on('error', () => undefined);
      stream.close(http2.constants.NGHTTP2_CANCEL);
    }
    session.destroy();
    const client = ztunnel('productpage', 'dedicated');
    expect(await client.fetchChain(PRODUCTPAGE, ztunnelCsr(PRODUCTPAGE).pem)).toHaveLength(2);
    client.channel.close();
  });
});

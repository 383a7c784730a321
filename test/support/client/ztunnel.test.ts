import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ToyCa, wellBehaved } from '../toy/ca_server.ts';
import { GrpcError } from '../wire/channel.ts';
import { PilotAgent } from './pilot_agent.ts';
import { Ztunnel } from './ztunnel.ts';

const ID = 'spiffe://cluster.local/ns/default/sa/a';
let ca: ToyCa;
const opened: { close(): void }[] = [];

beforeEach(async () => {
  ca = new ToyCa();
  await ca.start();
});
afterEach(() => {
  for (const client of opened.splice(0)) client.close();
  ca.stop();
});

const address = () => ({
  host: '127.0.0.1',
  port: ca.port,
  serverName: 'localhost',
  roots: ca.root.pem,
  clusterId: 'c1',
});
const ztunnel = (mode: 'shared' | 'dedicated', token: () => string | undefined = () => 'tok'): Ztunnel => {
  const client = new Ztunnel({ ...address(), mode, token });
  opened.push(client);
  return client;
};
const pilot = (): PilotAgent => {
  const client = new PilotAgent({
    ...address(),
    token: () => ' tok\n',
    key: 'ec-p256',
    sleep: () => Promise.resolve(),
  });
  opened.push(client);
  return client;
};
const code = (error: unknown): number => (error instanceof GrpcError ? error.code : Number.NaN);

describe('ztunnel', () => {
  test('in shared mode sends ImpersonatedIdentity, 86 400 s and its two headers, and no deadline', async () => {
    await ztunnel('shared').fetchCertificate(ID);
    expect(ca.calls[0]?.request).toMatchObject({ validityDuration: 86_400, metadata: { ImpersonatedIdentity: ID } });
    expect(ca.calls[0]?.headers).toEqual({ authorization: 'Bearer tok', clusterid: 'c1' });
  });

  test('in dedicated mode sends no metadata', async () => {
    expect((await ztunnel('dedicated').fetchCertificate(ID)).identity).toBe(ID);
    expect(ca.calls[0]?.request.metadata).toBeUndefined();
  });

  test('without a token sends neither header', async () => {
    await ztunnel('shared', () => undefined).fetchCertificate(ID);
    expect(ca.calls[0]?.headers).toEqual({});
  });

  test('keeps one connection, and reads the token for each call', async () => {
    const tokens = ['one', 'two'];
    const client = ztunnel('shared', () => tokens.shift());
    await client.fetchCertificate(ID);
    await client.fetchCertificate(ID);
    expect(client.channel.connections).toBe(1);
    expect(ca.calls.map((call) => call.headers['authorization'])).toEqual(['Bearer one', 'Bearer two']);
    expect(client.channel.socket?.getProtocol()).toBe('TLSv1.3');
  });

  test('does not try again by itself', async () => {
    ca.behaviour = () => ({ code: 14, message: 'away' });
    const error: unknown = await ztunnel('shared')
      .fetchCertificate(ID)
      .catch((reason: unknown) => reason);
    expect([code(error), (error as Error).message]).toEqual([14, 'away']);
    expect(ca.calls).toHaveLength(1);
  });

  test('refuses a server whose name or root is another', async () => {
    const renamed = new Ztunnel({ ...address(), serverName: 'istiod.example', mode: 'shared', token: () => 't' });
    const stranger = new Ztunnel({ ...address(), roots: new ToyCa().root.pem, mode: 'shared', token: () => 't' });
    opened.push(renamed, stranger);
    for (const client of [renamed, stranger]) {
      const error: unknown = await client.fetchCertificate(ID).catch((reason: unknown) => reason);
      expect((error as Error).message).toBe('client error (Connect)');
    }
    expect(ca.calls).toHaveLength(0);
  });
});

describe('pilot-agent', () => {
  test('sends an empty CertSigner and its token trimmed', async () => {
    await pilot().csrSign(ID);
    expect(ca.calls[0]?.request.metadata).toEqual({ CertSigner: '' });
    expect(ca.calls[0]?.headers['authorization']).toBe('Bearer tok');
  });

  test.each([[14], [13], [4], [8], [10], [1]])(
    'tries five times on code %i, on a new connection each',
    async (status) => {
      ca.behaviour = () => ({ code: status, message: 'no' });
      const client = pilot();
      expect(code(await client.csrSign(ID).catch((reason: unknown) => reason))).toBe(status);
      expect([client.tries, client.channel.connections]).toEqual([5, 5]);
    },
  );

  test.each([[16], [7], [3]])('gives up at once on code %i', async (status) => {
    ca.behaviour = () => ({ code: status, message: 'no' });
    const client = pilot();
    await expect(client.csrSign(ID)).rejects.toThrow('no');
    expect(client.tries).toBe(1);
  });

  test('recovers when a later try succeeds', async () => {
    ca.behaviour = (call, self) => (self.calls.length < 3 ? { code: 14, message: 'no' } : wellBehaved(call, self));
    const { chain } = await pilot().csrSign(ID);
    expect(chain).toHaveLength(3);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Attacker } from '../../attacks/exhaustion_attacker.ts';
import { ztunnelCsr } from '../../support/client/csr.ts';
import { Ztunnel } from '../../support/client/ztunnel.ts';
import { podToken } from '../../support/token.ts';
import { PODS, SERVER_NAME, startFront, tokenIssuer, type Front } from '../front.ts';

const ID = 'spiffe://cluster.local/ns/bookinfo/sa/productpage';
let front: Front;
const opened: { close(): void }[] = [];
beforeEach(async () => {
  front = await startFront({ maxConnections: 3 });
});
afterEach(async () => {
  for (const one of opened.splice(0)) one.close();
  await front.server.drain(0);
});

const address = () => ({ host: '127.0.0.1', port: front.port, serverName: SERVER_NAME, roots: front.roots });
const token = () => podToken(tokenIssuer, PODS.productpage);
const client = (): Ztunnel => {
  const made = new Ztunnel({ ...address(), mode: 'dedicated', clusterId: 'Kubernetes', token });
  opened.push(made);
  return made;
};
const stranger = async (): Promise<Attacker> => {
  const made = (await Attacker.open(address())).hello();
  opened.push(made);
  return made;
};
const fetch = (from: Ztunnel) => from.fetchChain(ID, ztunnelCsr(ID).pem);

describe('as many connections as there may be', () => {
  it('a client that was served keeps its connection while strangers push each other out', async () => {
    const known = client();
    await fetch(known);
    const strangers: Attacker[] = [];
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (let i = 0; i < 6; i++) strangers.push(await stranger());
    await expect.poll(() => strangers.map(({ gone }) => gone)).toEqual([true, true, true, true, false, false]);
    await fetch(known);
    expect(known.channel.connections).toBe(1);
    expect(front.unhandled.filter((what) => what === 'crowded')).toHaveLength(4);
  });

  it('a newcomer finds room among strangers', async () => {
    await Promise.all([stranger(), stranger(), stranger()]);
    expect(await fetch(client())).toHaveLength(2);
  });

  it('one with a held call is not ended, and the newcomer is refused when all have one', async () => {
    front.signer.answer = () => new Promise(() => undefined);
    const held = [client(), client(), client()];
    const calls = held.map((one) => fetch(one).catch(() => 'lost'));
    await expect.poll(() => front.signer.asked.length).toBe(3);
    await expect(fetch(client())).rejects.toMatchObject({ code: -1 });
    expect(await Promise.race([...calls, Promise.resolve('held')])).toBe('held');
  });

  it('one that only watches our health is idle, though it was served before', async () => {
    const clients = [client(), client(), client()];
    for (const one of clients) {
      await fetch(one);
      one.channel.unary('/grpc.health.v1.Health/Watch', {}, new Uint8Array()).catch(() => undefined);
    }
    expect(await fetch(client())).toHaveLength(2);
  });

  it('the idle one of two known clients makes room, and comes back with a handshake', async () => {
    const clients = [client(), client(), client()];
    for (const one of clients) await fetch(one);
    await fetch(client());
    const [first] = clients;
    await expect.poll(() => first?.channel.socket).toBeUndefined();
    if (first !== undefined) await fetch(first);
    expect(first?.channel.connections).toBe(2);
  });
});

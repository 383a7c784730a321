import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReplyError, WorkloadCertificate } from '../support/client/reply.ts';
import { refreshAt } from '../support/client/schedule.ts';
import { Ztunnel } from '../support/client/ztunnel.ts';
import { toyCa, toyLeaf } from '../support/toy/authority.ts';
import { around, ToyCa, wellBehaved, type ToyBehaviour } from '../support/toy/ca_server.ts';
import { handshake } from '../support/verify/handshake.ts';
import { generateKey } from '../support/client/csr.ts';

// istio-contract §A9: what ztunnel makes of each way a CA can behave. It is the reason for what the agent verifies before it answers.
const ID = 'spiffe://cluster.local/ns/default/sa/a';
const PEER = 'spiffe://cluster.local/ns/default/sa/b';
const HOUR = 3_600_000;

let ca: ToyCa;
let client: Ztunnel;
let peer: WorkloadCertificate;

beforeAll(async () => {
  ca = new ToyCa();
  const port = await ca.start();
  client = new Ztunnel({
    host: '127.0.0.1',
    port,
    serverName: 'localhost',
    roots: ca.root.pem,
    clusterId: 'c1',
    mode: 'shared',
    token: () => 'token',
  });
  peer = await client.fetchCertificate(PEER);
});
afterAll(() => {
  client.close();
  ca.stop();
});

const fetchWith = async (behaviour: ToyBehaviour): Promise<WorkloadCertificate> => {
  ca.behaviour = behaviour;
  try {
    return await client.fetchCertificate(ID);
  } finally {
    ca.behaviour = wellBehaved;
  }
};
const bothWays = async (own: WorkloadCertificate): Promise<string[]> => {
  const [out, back] = [await handshake(own, peer), await handshake(peer, own)];
  return [out.client, out.server, back.client, back.server];
};

describe('accepted, and handshakes work', () => {
  test.each<[string, ToyBehaviour]>([
    ['leaf, intermediate, root', wellBehaved],
    [
      'two roots in the last element',
      (call, self) => [self.leaf(call), self.intermediate.pem, otherRoot.pem + self.root.pem],
    ],
    [
      'an extra root in a middle element',
      (call, self) => [self.leaf(call), self.intermediate.pem, otherRoot.pem, self.root.pem],
    ],
    [
      'a shorter life than was asked for',
      (call, self) => [self.leaf(call, around(1_000, 20_000)), self.intermediate.pem, self.root.pem],
    ],
  ])('%s', async (_, behaviour) => {
    expect(await bothWays(await fetchWith(behaviour))).toEqual(['ok', 'ok', 'ok', 'ok']);
  });
});

describe('refused on receipt', () => {
  test.each<[string, ToyBehaviour, string]>([
    ['a leaf alone', (call, self) => [self.leaf(call)], 'InvalidRootCert'],
    ['an empty list', () => [], 'EmptyResponse'],
    [
      'another identity',
      (call, self) => [self.leaf({ ...call, identity: PEER }), self.intermediate.pem, self.root.pem],
      'SanError',
    ],
  ])('%s', async (_, behaviour, fault) => {
    const error: unknown = await fetchWith(behaviour).catch((reason: unknown) => reason);
    expect((error as ReplyError).fault).toBe(fault);
  });
});

describe('taken as good, and no handshake works', () => {
  test.each<[string, ToyBehaviour]>([
    ['leaf and intermediate in one element', (call, self) => [self.leaf(call) + self.intermediate.pem, self.root.pem]],
    ['no intermediate', (call, self) => [self.leaf(call), self.root.pem]],
    ['the intermediate first', (call, self) => [self.leaf(call), self.root.pem, self.intermediate.pem]],
    ['roots of somebody else', (call, self) => [self.leaf(call), self.intermediate.pem, otherRoot.pem]],
    [
      'an expired certificate',
      (call, self) => [self.leaf(call, around(2 * HOUR, -HOUR)), self.intermediate.pem, self.root.pem],
    ],
    [
      'a certificate of the future',
      (call, self) => [self.leaf(call, around(-HOUR, 2 * HOUR)), self.intermediate.pem, self.root.pem],
    ],
    [
      'the key of somebody else',
      (call, self) => [
        toyLeaf(self.intermediate, strangerSpki, { uri: call.identity }, around(1_000, HOUR)),
        self.intermediate.pem,
        self.root.pem,
      ],
    ],
  ])('%s', async (_, behaviour) => {
    const own = await fetchWith(behaviour);
    const verdicts = [await handshake(own, peer), await handshake(peer, own)];
    for (const { client: one, server: other } of verdicts) expect([one, other]).not.toEqual(['ok', 'ok']);
  });
});

describe('asked for again at once: the hot loop', () => {
  test.each<[string, ToyBehaviour]>([
    [
      'an expired certificate',
      (call, self) => [self.leaf(call, around(2 * HOUR, -HOUR)), self.intermediate.pem, self.root.pem],
    ],
    [
      'a back-date of the whole life',
      (call, self) => [self.leaf(call, around(HOUR + 2_000, HOUR)), self.intermediate.pem, self.root.pem],
    ],
  ])('%s', async (_, behaviour) => {
    const { leaf } = await fetchWith(behaviour);
    expect(refreshAt(leaf.validFromDate.getTime(), leaf.validToDate.getTime())).toBeLessThan(Date.now());
  });
});

test.each([16, 3, 14, 13])('code %i is an error like any other', async (code) => {
  const error: unknown = await fetchWith(() => ({ code, message: 'no' })).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code, message: 'no' });
});

test('a CA that never answers holds the call until its connection is cut', async () => {
  ca.behaviour = () => 'hang';
  const waiting = client.fetchCertificate(ID).catch((reason: unknown) => reason);
  while (ca.calls.at(-1)?.identity !== ID) await new Promise((resolve) => setTimeout(resolve, 5));
  client.close();
  expect(await waiting).toMatchObject({ code: -1 });
  ca.behaviour = wellBehaved;
});

const otherRoot = toyCa('another root', around(HOUR, HOUR));
const strangerSpki = new Uint8Array(generateKey('ec-p256').publicKey.export({ type: 'spki', format: 'der' }));

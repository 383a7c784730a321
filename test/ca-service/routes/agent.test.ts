import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../pki/src/bytes.ts';
import { encodeTrustRequest } from '../../../ca-service/src/client/protocol.ts';
import { decodeIssueRequest, encodeAnswer, type IssueRequest } from '../../../ca-service/src/objects/packed.ts';
import type { ConfigSnapshot } from '../../../ca-service/src/objects/rpc.ts';
import { CA_URL, failed, fakeApp, NOW, ok, snapshotOf } from '../support/fakes.ts';
import {
  agentPod,
  batch,
  callerOf,
  CLUSTER_PATH,
  csrFor,
  IDENTITY,
  itemOf,
  meshOf,
  ztunnelPod,
  ztunnelToken,
} from '../support/mesh.ts';
import { tokenSigner } from '../support/tokens.ts';

const signer = await tokenSigner();
const snapshot = await snapshotOf(signer);
const mesh = await meshOf(signer, CA_URL, NOW);
const publicEvidence = ({ evidence: { kid, privateJwk } }: ConfigSnapshot) => ({
  kid,
  jwk: { kty: privateJwk.kty, crv: privateJwk.crv, x: privateJwk.x, y: privateJwk.y },
});
const path = `${CLUSTER_PATH}/certificates`;
const answered = ok(
  encodeAnswer({ status: 200, headers: { 'content-type': 'application/json', 'x-signed': 'yes' } }, utf8('{"a":1}')),
);

/** An app whose issuer remembers what it was given. */
function app(answers: Record<string, (...args: never[]) => unknown> = {}) {
  const issued: IssueRequest[] = [];
  const made = fakeApp({
    snapshot: () => ok(snapshot),
    issue: (packed: Uint8Array) => {
      issued.push(decodeIssueRequest(packed));
      return answered;
    },
    trust: () => answered,
    answerProblem: (status: number, problem: object) =>
      ok(encodeAnswer({ status, headers: { 'x-signed': 'yes' } }, utf8(JSON.stringify(problem)))),
    ...answers,
  });
  const send = async (body: Uint8Array, change: object = {}, to = path) =>
    made.app.fetch(await mesh.agent.request(to, body, { token: mesh.token, boot: 'bootboot', now: NOW, ...change }));
  return { ...made, issued, send };
}

const token = await ztunnelToken(signer, NOW);
const caller = await callerOf(token, ztunnelPod, publicEvidence(snapshot));

describe('a batch of an agent', () => {
  it('reaches the object as facts: the key of the CSR, the identity, the level, who asked', async () => {
    const { send, issued } = app();
    const { csr, spki } = await csrFor(IDENTITY);
    const item = await itemOf(NOW, { csr, ttl: 3_600 });
    const answer = await send(batch([caller], [item]));
    expect(answer.status).toBe(200);
    expect(issued).toEqual([
      {
        epoch: 1,
        requestSignature: expect.stringMatching(/^[A-Za-z0-9+/]{86}==$/),
        nonce: expect.stringMatching(/^bootboot\./),
        created: NOW / 1000,
        agent: {
          account: 'ambient-ca/agent',
          podName: agentPod.name,
          podUid: agentPod.uid,
          node: agentPod.node,
          keyThumbprint: mesh.agent.thumbprint,
        },
        bundleVersion: 1,
        callers: [
          {
            podUid: ztunnelPod.uid,
            podName: ztunnelPod.name,
            namespace: 'istio-system',
            serviceAccount: 'ztunnel',
            node: 'node-a',
          },
        ],
        items: [
          {
            id: item.id,
            status: 'verified',
            caller: 0,
            identity: IDENTITY,
            namespace: 'bookinfo',
            serviceAccount: 'web',
            spki,
            ttl: 3_600,
            level: 'token+agent',
            receivedAt: NOW,
            target: item.target,
          },
        ],
      },
    ]);
  });

  it('is answered with what the object made, byte for byte and header for header, and the date', async () => {
    const { send, time } = app();
    const answer = await send(batch([caller], [await itemOf(NOW)]));
    expect(await answer.text()).toBe('{"a":1}');
    expect([...answer.headers]).toEqual([
      ['content-type', 'application/json'],
      ['date', new Date(time.now).toUTCString()],
      ['x-signed', 'yes'],
    ]);
  });

  it('sends a token once: its hash is enough afterwards, and asks for it where it is not known', async () => {
    const { send, issued } = app();
    const { token: _, ...hashOnly } = caller;
    await send(batch([hashOnly], [await itemOf(NOW)]));
    await send(batch([caller], [await itemOf(NOW)]));
    await send(batch([hashOnly], [await itemOf(NOW)]));
    expect(issued.map(({ items }) => items[0]?.status)).toEqual(['token-needed', 'verified', 'verified']);
  });

  it('asks again for a token that does not open', async () => {
    const { send, issued } = app();
    await send(batch([{ ...caller, token: 'a.b.c.d.e' }], [await itemOf(NOW)]));
    expect(issued[0]?.items[0]?.status).toBe('token-needed');
  });

  it('forgets tokens with the configuration that vouched for them', async () => {
    let epoch = 1;
    const { send, issued, time } = app({ snapshot: () => ok({ ...snapshot, epoch }) });
    const { token: _, ...hashOnly } = caller;
    await send(batch([caller], [await itemOf(NOW)]));
    epoch = 2;
    time.now += 30_000;
    await send(batch([hashOnly], [await itemOf(NOW)]));
    expect(issued.map(({ items }) => items[0]?.status)).toEqual(['verified', 'token-needed']);
  });

  it('fetches a configuration that was too old once, and verifies everything again by it', async () => {
    let fetched = 0;
    const epochs: number[] = [];
    const { send, objects } = app({
      snapshot: () => ok({ ...snapshot, epoch: ++fetched }),
      issue: (packed: Uint8Array) => {
        const { epoch } = decodeIssueRequest(packed);
        epochs.push(epoch);
        return epoch === 1 ? failed('stale-epoch') : answered;
      },
    });
    const answer = await send(batch([caller], [await itemOf(NOW)]));
    expect([answer.status, epochs, objects.count('snapshot')]).toEqual([200, [1, 2], 2]);
  });

  it('of an agent that the new configuration no longer knows is refused', async () => {
    let fetched = 0;
    const { send } = app({
      snapshot: () =>
        ok({ ...snapshot, epoch: ++fetched, agentAccount: fetched > 1 ? 'other/agent' : 'ambient-ca/agent' }),
      issue: () => failed('stale-epoch'),
    });
    expect((await send(batch([caller], [await itemOf(NOW)]))).status).toBe(401);
  });

  it('that is stale twice is unavailable, signed', async () => {
    const { send, objects } = app({ issue: () => failed('stale-epoch') });
    const answer = await send(batch([caller], [await itemOf(NOW)]));
    expect([answer.status, answer.headers.get('x-signed'), objects.count('issue')]).toEqual([503, 'yes', 2]);
  });

  it('takes the configuration from a cache for 30 s', async () => {
    const { send, objects, time } = app();
    for (const step of [0, 10_000, 19_999, 1]) {
      time.now += step;
      await send(batch([caller], [await itemOf(NOW)]));
    }
    expect(objects.count('snapshot')).toBe(2);
  });
});

describe('one bad item at any place', () => {
  const size = 8;
  it.each(Array.from({ length: size }, (_, index) => index))('number %i is refused alone', async (bad) => {
    const { send, issued } = app();
    const items = await Promise.all(
      Array.from({ length: size }, (_, index) =>
        itemOf(NOW, { id: `r-${index}`, ...(index === bad ? { identity: IDENTITY.replace('cluster', 'other') } : {}) }),
      ),
    );
    await send(batch([caller], items));
    expect(issued[0]?.items.map(({ status }) => status)).toEqual(
      Array.from({ length: size }, (_, index) => (index === bad ? 'refused' : 'verified')),
    );
  });
});

describe('an item is refused', async () => {
  const other = await tokenSigner();
  const { csr } = await csrFor('spiffe://cluster.local/ns/bookinfo/sa/admin');
  const proven = (await csrFor(IDENTITY)).csr;
  const swapped = `${proven.slice(0, 120)}${proven[120] === 'A' ? 'B' : 'A'}${proven.slice(121)}`;
  const cases: [string, string, () => Promise<{ token?: string; item?: object; caller?: object }>][] = [
    ['for the token of another cluster', 'token-invalid', async () => ({ token: await ztunnelToken(other, NOW) })],
    [
      'for a token of another audience',
      'token-invalid',
      async () => ({ token: await ztunnelToken(signer, NOW, { aud: ['istio-ca-2'] }) }),
    ],
    ['for a token of an agent', 'token-invalid', async () => ({ token: mesh.token })],
    [
      'for a token that had expired',
      'token-expired',
      async () => ({ token: await ztunnelToken(signer, NOW, { exp: NOW / 1000 - 1 }) }),
    ],
    ['for a hash that is not of its token', 'token-invalid', async () => ({ caller: { tokenHash: 'A'.repeat(43) } })],
    ['for a CSR of another identity', 'csr-invalid', async () => ({ item: { csr } })],
    ['for a CSR that is none', 'csr-invalid', async () => ({ item: { csr: 'AAAA' } })],
    ['for a CSR whose key was swapped', 'possession', async () => ({ item: { csr: swapped } })],
  ];
  it.each(cases)('%s: %s', async (_, code, make) => {
    const { send, issued } = app();
    const change = await make();
    const from = await callerOf(change.token ?? token, ztunnelPod, publicEvidence(snapshot));
    await send(batch([{ ...from, ...change.caller }], [await itemOf(NOW, change.item)]));
    expect(issued[0]?.items[0]).toMatchObject({ status: 'refused', code });
  });
});

describe('a request for trust', () => {
  it('is passed on with the signature that its answer is bound to', async () => {
    const { send, objects } = app();
    const answer = await send(encodeTrustRequest({ version: 1 }), { boot: 'none' }, `${CLUSTER_PATH}/trust`);
    expect(answer.status).toBe(200);
    expect(objects.asked.find(({ method }) => method === 'trust')?.args).toEqual([
      expect.stringMatching(/^[A-Za-z0-9+/]{86}==$/),
    ]);
  });

  it('may be an hour old, and is told the time where it is older', async () => {
    const { send } = app();
    const trust = (created: number) =>
      send(encodeTrustRequest({ version: 1 }), { params: { created } }, `${CLUSTER_PATH}/trust`);
    expect((await trust(NOW / 1000 - 3_600)).status).toBe(200);
    const late = await trust(NOW / 1000 - 3_601);
    expect([late.status, late.headers.get('x-signed')]).toEqual([409, 'yes']);
    expect(await late.json()).toMatchObject({ code: 'again', boot: 'bootboot', time: NOW });
  });
});

describe('a cluster that is disabled', () => {
  it('gets no certificate, and is told so in a signed answer', async () => {
    const { send, objects } = app({ snapshot: () => ok({ ...snapshot, enabled: false }) });
    const answer = await send(batch([caller], [await itemOf(NOW)]));
    expect([answer.status, answer.headers.get('x-signed'), objects.count('issue')]).toEqual([403, 'yes', 0]);
  });

  it('may still read what it trusts', async () => {
    const { send } = app({ snapshot: () => ok({ ...snapshot, enabled: false }) });
    expect((await send(encodeTrustRequest({ version: 1 }), {}, `${CLUSTER_PATH}/trust`)).status).toBe(200);
  });
});

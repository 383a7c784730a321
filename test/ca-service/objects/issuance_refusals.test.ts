import { env } from 'cloudflare:workers';
import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../../policies/src/default.ts';
import { decodeBatchAnswer, type ItemAnswer } from '../../../ca-service/src/client/protocol.ts';
import type { IssueRequest } from '../../../ca-service/src/objects/packed.ts';
import type { ClusterIssuerRpc, Remote } from '../../../ca-service/src/objects/rpc.ts';
import { ADMIN, failureOf, trustDomain, valueOf } from '../support/deployment.ts';
import { caller, decoded, issueRequest, pack, packServing, publicKey, servingRequest } from '../support/requests.ts';

async function itemsOf(issuer: Remote<ClusterIssuerRpc>, request: IssueRequest): Promise<ItemAnswer[]> {
  return decodeBatchAnswer(decoded(await issuer.issue(pack(request))).body).items;
}

async function total(issuer: Remote<ClusterIssuerRpc>): Promise<number> {
  return valueOf(await issuer.counts()).issuedLastDay;
}

/** The time in s, moved. */
const created = (offset: number): number => Math.floor(Date.now() / 1000) + offset;

describe('a request is answered again, and nothing is issued,', () => {
  const changes: [why: string, change: () => Partial<IssueRequest>][] = [
    ['when it was signed for another boot', () => ({ nonce: `AAAAAAAA.${'n'.repeat(22)}` })],
    ['when it was signed without knowing the boot', () => ({ nonce: `none.${'n'.repeat(22)}` })],
    ['when it was signed too long ago', () => ({ created: created(-125) })],
    ['when it was signed too far ahead', () => ({ created: created(125) })],
  ];

  it.each(changes)('%s', async (_, change) => {
    const { issuer } = await (await trustDomain()).enrol();
    const snapshot = valueOf(await issuer.snapshot());
    const answer = decoded(await issuer.issue(pack(await issueRequest(snapshot, [{}], change()))));
    expect(answer.status).toBe(409);
    expect(answer.headers['signature']).toMatch(/^sig=:/);
    expect(answer.json).toMatchObject({ code: 'again', boot: snapshot.boot });
    expect(Math.abs(Number(answer.json['time']) - Date.now())).toBeLessThan(5_000);
    expect(await total(issuer)).toBe(0);
  });

  it('when it is sent a second time', async () => {
    const { issuer } = await (await trustDomain()).enrol();
    const packed = pack(await issueRequest(valueOf(await issuer.snapshot())));
    expect(decoded(await issuer.issue(packed)).status).toBe(200);
    expect(decoded(await issuer.issue(packed)).status).toBe(409);
    expect(await total(issuer)).toBe(1);
  });

  it('when 20 copies arrive at once, but for one', async () => {
    const { issuer } = await (await trustDomain()).enrol();
    const packed = pack(await issueRequest(valueOf(await issuer.snapshot())));
    const answers = await Promise.all(Array.from({ length: 20 }, () => issuer.issue(packed)));
    expect(answers.filter((answer) => decoded(answer).status === 200)).toHaveLength(1);
    expect(await total(issuer)).toBe(1);
  });

  it('when the object started since: a restart forgets no nonce', async () => {
    const { issuer, stub } = await (await trustDomain()).enrol();
    const packed = pack(await issueRequest(valueOf(await issuer.snapshot())));
    expect(decoded(await issuer.issue(packed)).status).toBe(200);
    await evictDurableObject(stub);
    expect(decoded(await issuer.issue(packed)).status).toBe(409);
  });

  it('when it is for a serving certificate and a copy', async () => {
    const { issuer } = await (await trustDomain()).enrol();
    const packed = packServing(servingRequest(valueOf(await issuer.snapshot()), await publicKey()));
    expect(decoded(await issuer.serving(packed)).status).toBe(200);
    expect(decoded(await issuer.serving(packed)).status).toBe(409);
  });
});

describe('the issuer fails', () => {
  it.each([-1, 1])('stale-epoch when the Worker verified by an epoch that differs by %d', async (difference) => {
    const { issuer } = await (await trustDomain()).enrol();
    const request = await issueRequest(valueOf(await issuer.snapshot()));
    const stale = await issuer.issue(pack({ ...request, epoch: request.epoch + difference }));
    expect(failureOf(stale).code).toBe('stale-epoch');
    // The nonce was not used up: the Worker repeats the very request with the new snapshot.
    expect(decoded(await issuer.issue(pack(request))).status).toBe(200);
  });

  it('cluster-disabled once the disabling was acknowledged', async () => {
    const { rpc, enrol } = await trustDomain();
    const { info, issuer } = await enrol();
    valueOf(await rpc.disableCluster(ADMIN, info.name));
    const request = await issueRequest(valueOf(await issuer.snapshot()));
    expect(failureOf(await issuer.issue(pack(request))).code).toBe('cluster-disabled');
    expect(await total(issuer)).toBe(0);
  });

  it('not-ready when it was never configured', async () => {
    const issuer = env.CLUSTER_ISSUER.get(env.CLUSTER_ISSUER.newUniqueId()) as unknown as Remote<ClusterIssuerRpc>;
    expect(failureOf(await issuer.snapshot()).code).toBe('not-ready');
    expect(failureOf(await issuer.trust('x')).code).toBe('not-ready');
    expect(valueOf(await issuer.health())).toMatchObject({ configured: false, ready: false });
  });

  it('invalid for a push of another trust domain, cluster or instance', async () => {
    const { issuer, stub: _, info } = await (await trustDomain()).enrol();
    const snapshot = valueOf(await issuer.snapshot());
    const push = {
      instanceId: 'x',
      trustDomainObjectId: 'x',
      region: 'local',
      bundle: { version: 1, roots: [], crossCertificates: [] },
      policy: JSON.stringify(defaultPolicy),
      ...snapshot,
      epoch: info.epoch + 1_000_000,
    };
    expect(failureOf(await issuer.configure(push)).code).toBe('invalid');
    expect(valueOf(await issuer.snapshot()).epoch).toBe(info.epoch);
  });
});

describe('an item is refused, and its neighbours are issued,', () => {
  it.each([0, 1, 2])('when the one at position %d is of a namespace that is not enrolled', async (position) => {
    const { issuer } = await (await trustDomain()).enrol();
    const bad = { namespace: 'kube-system', serviceAccount: 'x' };
    const list = [0, 1, 2].map((index) => (index === position ? bad : {}));
    const items = await itemsOf(issuer, await issueRequest(valueOf(await issuer.snapshot()), list));
    expect(items.map(({ status }) => status)).toEqual(list.map((item) => (item === bad ? 'refused' : 'issued')));
    expect(items[position]).toMatchObject({ code: 'namespace-not-enrolled' });
    expect(await total(issuer)).toBe(2);
  });

  it('when its identity is not that of its parts', async () => {
    const { issuer } = await (await trustDomain()).enrol();
    const snapshot = valueOf(await issuer.snapshot());
    const identity = `spiffe://${snapshot.trustDomain}/ns/default/sa/admin`;
    const items = await itemsOf(issuer, await issueRequest(snapshot, [{ identity }, {}]));
    expect(items).toMatchObject([{ code: 'identity-mismatch' }, { status: 'issued' }]);
  });

  it('when its key type is not in the policy', async () => {
    const policy = JSON.stringify({ ...defaultPolicy, keyTypes: ['ec-p256'] });
    const { issuer } = await (await trustDomain()).enrol({ policy });
    const request = await issueRequest(valueOf(await issuer.snapshot()), [{ spki: await publicKey('P-384') }, {}]);
    const items = await itemsOf(issuer, request);
    expect(items).toMatchObject([{ code: 'policy' }, { status: 'issued' }]);
    expect(items[0]).toHaveProperty('reason', expect.stringContaining('policy.keyTypes'));
  });

  it('for a while, when its key cannot be written into a certificate', async () => {
    const { issuer } = await (await trustDomain()).enrol();
    const request = await issueRequest(valueOf(await issuer.snapshot()), [{ spki: new Uint8Array(91) }, {}]);
    expect(await itemsOf(issuer, request)).toMatchObject([{ status: 'wait' }, { status: 'issued' }]);
    expect(await total(issuer)).toBe(1);
  });
});

describe('limits', () => {
  const limits = { cluster: { rate: 1000, burst: 1000 }, caller: { rate: 0.5, burst: 2 } };
  const policy = JSON.stringify({ ...defaultPolicy, limits });

  it('make a caller wait with a time, and nobody else', async () => {
    const { issuer } = await (await trustDomain()).enrol({ policy });
    const request = await issueRequest(valueOf(await issuer.snapshot()), [{}, {}, {}, { caller: 1 }], {
      callers: [caller(), caller('another-pod')],
    });
    const items = await itemsOf(issuer, request);
    expect(items.map(({ status }) => status)).toEqual(['issued', 'issued', 'wait', 'issued']);
    const [, , waiting] = items;
    expect(waiting?.status === 'wait' && waiting.retryAfterMs).toBeGreaterThan(1_000);
    expect(waiting?.status === 'wait' && waiting.retryAfterMs).toBeLessThanOrEqual(2_000);
    expect(await total(issuer)).toBe(3);
  });

  it('are not refilled by a push', async () => {
    const { rpc, enrol } = await trustDomain();
    const { issuer } = await enrol({ policy });
    const first = await issueRequest(valueOf(await issuer.snapshot()), [{}, {}]);
    expect((await itemsOf(issuer, first)).map(({ status }) => status)).toEqual(['issued', 'issued']);
    valueOf(await rpc.createRoot(ADMIN, { keyType: 'ec-p256' }));
    expect(await itemsOf(issuer, await issueRequest(valueOf(await issuer.snapshot())))).toMatchObject([
      { status: 'wait' },
    ]);
  });
});

describe('a read of the ledger is refused', () => {
  it.each([
    [{ identity: 'a', node: 'b' }],
    [{ serial: 'XYZ' }],
    [{ limit: 0 }],
    [{ cursor: 'nonsense' }],
    [{ identity: 'a', cursor: btoa('["a","b"]') }],
  ])('%j', async (query) => {
    const { issuer } = await (await trustDomain()).enrol();
    expect(failureOf(await issuer.certificates(query)).code).toBe('invalid');
  });
});

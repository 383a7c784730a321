import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { fromBase64, toBase64 } from '../../../pki/src/bytes.ts';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { verifyChain } from '../../../pki/src/chain/verify.ts';
import { webCrypto } from '../../../pki/src/crypto/web.ts';
import { parseAnswerSignature, verifyAnswer } from '../../../ca-service/src/client/message_signature.ts';
import {
  decodeBatchAnswer,
  decodeServingAnswer,
  decodeTrustDocument,
  type TrustDocument,
} from '../../../ca-service/src/client/protocol.ts';
import type { ClusterIssuerRpc, Remote } from '../../../ca-service/src/objects/rpc.ts';
import { trustDomain, valueOf } from '../support/deployment.ts';
import {
  decoded,
  issueRequest,
  pack,
  packServing,
  publicKey,
  servingRequest,
  type DecodedAnswer,
} from '../support/requests.ts';

async function trustOf(issuer: Remote<ClusterIssuerRpc>): Promise<TrustDocument> {
  return decodeTrustDocument(decoded(await issuer.trust('AAAA')).body);
}

/** Throws unless the answer is signed, by the answer key, for the request. */
async function checkSignature(answer: DecodedAnswer, requestSignature: string, trust: TrustDocument): Promise<void> {
  const { spki } = parseCertificate(fromBase64(trust.answerKey.certificate));
  const key = await crypto.subtle.importKey(
    'spki',
    Uint8Array.from(spki),
    { name: 'ECDSA', namedCurve: 'P-256' },
    false,
    ['verify'],
  );
  const parsed = parseAnswerSignature(answer.headers['signature-input'] ?? null, answer.headers['signature'] ?? null);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(answer.body)));
  const contentDigest = `sha-256=:${toBase64(digest)}:`;
  expect(answer.headers['content-digest']).toBe(contentDigest);
  await verifyAnswer({ status: answer.status, contentDigest, requestSignature }, parsed, (base, signature) =>
    crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, Uint8Array.from(signature), Uint8Array.from(base)),
  );
}

describe('an issuance', () => {
  it('is a certificate of the attested identity and key that verifies up to the root', async () => {
    const { enrol, root } = await trustDomain();
    const { issuer } = await enrol();
    const snapshot = valueOf(await issuer.snapshot());
    const trust = await trustOf(issuer);
    const spki = await publicKey();
    const request = await issueRequest(snapshot, [{ spki, ttl: 3600 }]);
    const answer = decoded(await issuer.issue(pack(request)));
    await checkSignature(answer, request.requestSignature, trust);
    const body = decodeBatchAnswer(answer.body);
    expect(body).toMatchObject({ epoch: snapshot.epoch, boot: snapshot.boot, bundleVersion: trust.bundleVersion });
    const [item] = body.items;
    if (item?.status !== 'issued') throw new Error(JSON.stringify(item));
    const leaf = parseCertificate(fromBase64(item.certificate));
    expect(leaf.uriSans).toEqual([`spiffe://${snapshot.trustDomain}/ns/bookinfo/sa/productpage`]);
    expect(leaf.spki).toEqual(spki);
    const life = (leaf.notAfter - Date.now()) / 1000;
    expect(life).toBeGreaterThan(3600 * 0.9 - 10);
    expect(life).toBeLessThanOrEqual(3600);
    const intermediate = trust.intermediates.find(({ id }) => id === item.issuer);
    const result = await verifyChain({
      crypto: webCrypto(),
      leaf,
      intermediates: [fromBase64(intermediate?.certificate ?? '')],
      roots: [fromBase64(root.certificate)],
      now: Date.now(),
      purpose: 'both',
    });
    expect(result).toMatchObject({ ok: true });
  });

  it('has one row in history for each certificate, with everything that is asked of it later', async () => {
    const { issuer, stub } = await (await trustDomain()).enrol();
    const snapshot = valueOf(await issuer.snapshot());
    const trust = await trustOf(issuer);
    const request = await issueRequest(snapshot, [{}, { serviceAccount: 'reviews', level: 'token+agent' }], {
      bundleVersion: trust.bundleVersion,
    });
    const { items } = decodeBatchAnswer(decoded(await issuer.issue(pack(request))).body);
    for (const [index, item] of items.entries()) {
      if (item.status !== 'issued') throw new Error(JSON.stringify(item));
      const leaf = parseCertificate(fromBase64(item.certificate));
      const serial = Array.from(leaf.serial, (octet) => octet.toString(16).padStart(2, '0')).join('');
      const expected = {
        serial,
        identity: leaf.uriSans[0],
        podUid: request.callers[0]?.podUid,
        node: 'node-a',
        notAfter: leaf.notAfter,
        issuer: item.issuer,
        bundleVersion: trust.bundleVersion,
        level: index === 0 ? 'token' : 'token+agent',
        requestId: item.id,
      };
      expect(valueOf(await issuer.certificates({ serial })).rows).toMatchObject([expected]);
      expect(valueOf(await issuer.certificates({ identity: leaf.uriSans[0] ?? '' })).rows).toMatchObject([expected]);
    }
    const live = valueOf(await issuer.counts()).live;
    expect(live).toMatchObject([{ bundleVersion: trust.bundleVersion }]);
    expect(live[0]?.notAfter).toBeGreaterThan(Date.now() + 0.9 * 86_400_000);
    await evictDurableObject(stub);
    expect(valueOf(await issuer.counts())).toMatchObject({ current: 2, issuedLastHour: 2, issuedLastDay: 2 });
  });

  it('keeps the verdicts of the Worker in their places', async () => {
    const { issuer } = await (await trustDomain()).enrol();
    const request = await issueRequest(valueOf(await issuer.snapshot()), [{}]);
    const refused = { id: 'a', status: 'refused', code: 'possession', reason: 'not its key' } as const;
    const answer = await issuer.issue(
      pack({ ...request, items: [refused, ...request.items, { id: 'b', status: 'token-needed' }] }),
    );
    const { items } = decodeBatchAnswer(decoded(answer).body);
    expect(items).toMatchObject([refused, { status: 'issued' }, { id: 'b', status: 'token-needed' }]);
  });

  it('of a renewal replaces the row of the same pod and identity, and adds to history', async () => {
    const { issuer } = await (await trustDomain()).enrol();
    const snapshot = valueOf(await issuer.snapshot());
    for (let i = 0; i < 3; i++) valueOf(await issuer.issue(pack(await issueRequest(snapshot))));
    expect(valueOf(await issuer.counts())).toMatchObject({ current: 1, issuedLastDay: 3 });
  });

  it('records a bundle version that was never given out as the latest that was', async () => {
    const { issuer } = await (await trustDomain()).enrol();
    const request = await issueRequest(valueOf(await issuer.snapshot()), [{}], { bundleVersion: 2 ** 47 });
    valueOf(await issuer.issue(pack(request)));
    const { bundleVersion } = await trustOf(issuer);
    expect(valueOf(await issuer.certificates({})).rows).toMatchObject([{ bundleVersion }]);
  });
});

describe('a serving certificate', () => {
  it('has exactly the names of the enrolment, and is recorded', async () => {
    const { issuer } = await (await trustDomain()).enrol({ servingNames: ['a.svc', 'b.svc'] });
    const spki = await publicKey();
    const request = servingRequest(valueOf(await issuer.snapshot()), spki);
    const answer = decoded(await issuer.serving(packServing(request)));
    await checkSignature(answer, request.requestSignature, await trustOf(issuer));
    const body = decodeServingAnswer(answer.body);
    const leaf = parseCertificate(fromBase64(body.certificate));
    expect(leaf).toMatchObject({ dnsSans: ['a.svc', 'b.svc'], uriSans: [], spki });
    expect(valueOf(await issuer.certificates({ identity: 'dns:a.svc,b.svc' })).rows).toHaveLength(1);
  });
});

describe('the trust document', () => {
  it('is the same after eviction but for the boot id', async () => {
    const { issuer, stub } = await (await trustDomain()).enrol();
    const before = await trustOf(issuer);
    await evictDurableObject(stub);
    const after = await trustOf(issuer);
    expect(after.boot).not.toBe(before.boot);
    expect({ ...after, boot: '', time: 0 }).toEqual({ ...before, boot: '', time: 0 });
  });

  it('names the evidence key whose private half the Worker has', async () => {
    const { issuer } = await (await trustDomain()).enrol();
    const { evidence } = valueOf(await issuer.snapshot());
    const { d: _, ...jwk } = evidence.privateJwk;
    expect((await trustOf(issuer)).evidenceKey).toEqual({ kid: evidence.kid, jwk });
  });
});

/** Lets time pass for the keys: the stored validity is moved, then the object starts anew and its alarm runs. */
async function age(stub: DurableObjectStub, statements: string[]): Promise<void> {
  await runInDurableObject(stub, (_, { storage }) => {
    for (const statement of statements) storage.sql.exec(statement);
    storage.sql.exec('UPDATE schedule SET due = 0');
    return storage.setAlarm(Date.now() + 60_000);
  });
  await evictDurableObject(stub);
  expect(await runDurableObjectAlarm(stub)).toBe(true);
}

describe('the schedule of a cluster', () => {
  it('plans the renewal of each key and the housekeeping of the ledger', async () => {
    const { stub } = await (await trustDomain()).enrol();
    const tasks = await runInDurableObject(stub, (_, { storage }) =>
      storage.sql.exec<{ task: string; due: number }>('SELECT task, due FROM schedule ORDER BY task').toArray(),
    );
    expect(tasks.map(({ task }) => task)).toEqual([
      'close-history',
      'renew:answer',
      'renew:serving',
      'renew:svid',
      'sweep-current',
    ]);
    const days = (task: string): number =>
      ((tasks.find((row) => row.task === task)?.due ?? 0) - Date.now()) / 86_400_000;
    // Two thirds of 90 days; the answer key a little less than two thirds of 30.
    expect(days('renew:svid')).toBeCloseTo(60, 0);
    expect(days('renew:answer')).toBeGreaterThan(17);
    expect(days('renew:answer')).toBeLessThan(20.1);
  });

  it('leaves keys alone whose time has not come', async () => {
    const { issuer, stub } = await (await trustDomain()).enrol();
    const before = await trustOf(issuer);
    await age(stub, []);
    expect((await trustOf(issuer)).intermediates).toEqual(before.intermediates);
  });

  it('renews an intermediate whose longest leaf would outlive half of its rest, and keeps the old one known', async () => {
    // 2 × the maximum of 15 days before the end is day 60; a maximum that grows brings it forward.
    const { issuer, stub } = await (await trustDomain()).enrol();
    const before = await trustOf(issuer);
    await age(stub, [`UPDATE config SET document = json_set(document, '$.ttl.maximum', 50 * 86400)`]);
    const after = await trustOf(issuer);
    expect(after.intermediates.filter(({ current }) => current)).toHaveLength(2);
    expect(after.intermediates).toHaveLength(4);
    for (const { id } of before.intermediates)
      expect(after.intermediates.find((known) => known.id === id)?.current).toBe(false);
    const answer = decoded(await issuer.issue(pack(await issueRequest(valueOf(await issuer.snapshot())))));
    const { items } = decodeBatchAnswer(answer.body);
    expect(after.intermediates.find(({ current, purpose }) => current && purpose === 'svid')?.id).toBe(
      items[0]?.status === 'issued' ? items[0].issuer : '',
    );
  });

  it('makes keys that could not be made at the enrolment', async () => {
    const { issuer, stub } = await (await trustDomain()).enrol();
    await age(stub, [
      'DELETE FROM intermediates',
      'DELETE FROM service_keys',
      `INSERT INTO schedule VALUES ('provision', 0, 0, NULL)`,
    ]);
    expect(valueOf(await issuer.health())).toMatchObject({ ready: true });
  });
});

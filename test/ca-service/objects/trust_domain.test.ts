import { env } from 'cloudflare:workers';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { fromBase64 } from '../../../pki/src/bytes.ts';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { verifyChain } from '../../../pki/src/chain/verify.ts';
import { webCrypto } from '../../../pki/src/crypto/web.ts';
import {
  ADMIN,
  bootstrapped,
  clusterIssuer,
  enrolment,
  failureOf,
  trustDomain,
  trustDomainWithoutRoot,
  valueOf,
} from '../support/deployment.ts';

/** Makes an issuer's object answer 503 as after a roll-back of the service, or heals it. */
async function setNewerSchema(stub: DurableObjectStub, newer: boolean): Promise<void> {
  await runInDurableObject(stub, (_, { storage }) => {
    const statement = newer
      ? `INSERT INTO _migrations VALUES (99, 'later', 99, 0)`
      : 'DELETE FROM _migrations WHERE id = 99';
    storage.sql.exec(statement);
  });
  await evictDurableObject(stub);
}

/** Makes everything planned due now and runs the alarm. */
async function runSchedule(stub: DurableObjectStub): Promise<void> {
  await runInDurableObject(stub, (_, { storage }) => {
    storage.sql.exec('UPDATE schedule SET due = 0');
    return storage.setAlarm(Date.now() + 60_000);
  });
  await evictDurableObject(stub);
  expect(await runDurableObjectAlarm(stub)).toBe(true);
}

describe('roots', () => {
  it('survive eviction: the same certificate, and a key that still signs', async () => {
    const { rpc, stub, root, enrol } = await trustDomain();
    await evictDurableObject(stub);
    expect(valueOf(await rpc.listRoots())).toEqual([root]);
    const { issuer } = await enrol();
    expect(valueOf(await issuer.health())).toMatchObject({ ready: true });
  });

  it.each(['ec-p256', 'ec-p384'] as const)('of type %s verify an intermediate', async (keyType) => {
    const { rpc, stub } = await trustDomainWithoutRoot();
    const root = valueOf(await rpc.createRoot(ADMIN, { keyType, name: 'first' }));
    expect(root).toMatchObject({ state: 'active', keyType, name: 'first' });
    valueOf(await rpc.enrolCluster(ADMIN, await enrolment()));
    const intermediates = await runInDurableObject(stub, (_, { storage }) =>
      storage.sql.exec<{ certificate: ArrayBuffer }>('SELECT certificate FROM intermediates').toArray(),
    );
    expect(intermediates).toHaveLength(2);
    for (const { certificate } of intermediates) {
      const { issuer } = parseCertificate(new Uint8Array(certificate));
      expect(issuer).toEqual(parseCertificate(fromBase64(root.certificate)).subject);
    }
  });

  it('after the first are trusted, not active, and vouched for by the active one', async () => {
    const { rpc, root } = await trustDomain();
    const before = valueOf(await rpc.bundle());
    const second = valueOf(await rpc.createRoot(ADMIN, { keyType: 'ec-p256' }));
    expect(second.state).toBe('trusted');
    const bundle = valueOf(await rpc.bundle());
    expect(bundle.version).toBeGreaterThan(before.version);
    expect(bundle.roots).toEqual([root.certificate, second.certificate]);
    expect(bundle.crossCertificates).toHaveLength(1);
    const cross = parseCertificate(fromBase64(bundle.crossCertificates[0] ?? ''));
    const newer = parseCertificate(fromBase64(second.certificate));
    expect(cross.spki).toEqual(newer.spki);
    expect(cross.subject).toEqual(newer.subject);
    const verified = await webCrypto().verify(
      cross.signatureAlgorithm,
      parseCertificate(fromBase64(root.certificate)).spki,
      cross.tbs,
      cross.signature,
    );
    expect(verified).toBe(true);
  });

  it('made at the same time are one active and the others trusted, each vouched for', async () => {
    const { rpc } = await trustDomainWithoutRoot();
    await Promise.all([1, 2, 3].map(() => rpc.createRoot(ADMIN, { keyType: 'ec-p256' })));
    const roots = valueOf(await rpc.listRoots());
    expect(roots.map(({ state }) => state)).toEqual(['active', 'trusted', 'trusted']);
    expect(valueOf(await rpc.bundle()).crossCertificates).toHaveLength(2);
  });

  it('asked for again under one idempotency key are one root', async () => {
    const { rpc } = await trustDomainWithoutRoot();
    const input = { keyType: 'ec-p256' as const };
    const [a, b] = await Promise.all([rpc.createRoot(ADMIN, input, 'key-1'), rpc.createRoot(ADMIN, input, 'key-1')]);
    expect(valueOf(a)).toEqual(valueOf(b));
    expect(valueOf(await rpc.listRoots())).toHaveLength(1);
    const other = await rpc.createRoot(ADMIN, { keyType: 'ec-p384' }, 'key-1');
    expect(failureOf(other).code).toBe('idempotency-mismatch');
  });

  it('carry a bundle version that is the time in ms, and only grows when the clock is behind', async () => {
    const { rpc, stub } = await trustDomain();
    const { version } = valueOf(await rpc.bundle());
    expect(Math.abs(Date.now() - version)).toBeLessThan(60_000);
    const ahead = Date.now() + 3_600_000;
    await runInDurableObject(stub, (_, { storage }) =>
      storage.sql.exec(`UPDATE meta SET value = ? WHERE key = 'bundle-version'`, String(ahead)).toArray(),
    );
    valueOf(await rpc.createRoot(ADMIN, { keyType: 'ec-p256' }));
    expect(valueOf(await rpc.bundle()).version).toBe(ahead + 1);
  });
});

describe('an enrolment', () => {
  it('is pushed, acknowledged, registered and ready at once', async () => {
    const { name, enrol } = await trustDomain();
    const { info, issuer } = await enrol();
    expect(info).toMatchObject({ enabled: true, acknowledgedEpoch: info.epoch });
    expect(Math.abs(Date.now() - info.epoch)).toBeLessThan(60_000);
    expect(valueOf(await issuer.health())).toMatchObject({ ready: true, epoch: info.epoch, overdueTasks: [] });
    const names = valueOf(await (await bootstrapped()).names());
    expect(names.trustDomains[name]?.clusters[info.name]).toMatchObject({ objectId: info.objectId, region: 'local' });
  });

  it('repeated under one idempotency key changes nothing', async () => {
    const { rpc } = await trustDomain();
    const input = await enrolment();
    const a = valueOf(await rpc.enrolCluster(ADMIN, input, 'enrol-1'));
    expect(valueOf(await rpc.enrolCluster(ADMIN, input, 'enrol-1'))).toEqual(a);
  });

  it('whose push was lost is completed by the schedule', async () => {
    const { rpc, stub, name, enrol } = await trustDomain();
    const { info } = await enrol();
    // The state after a fault between the committed enrolment and the push.
    const objectId = env.CLUSTER_ISSUER.newUniqueId().toString();
    await runInDurableObject(stub, (_, { storage }) => {
      storage.sql.exec(
        `INSERT INTO clusters SELECT 'lost', ?, region, config, 1, epoch, NULL, NULL, created_at FROM clusters WHERE name = ?`,
        objectId,
        info.name,
      );
      storage.sql.exec(`INSERT INTO schedule VALUES ('push:lost', 0, 0, NULL)`);
    });
    await runSchedule(stub);
    const completed = valueOf(await rpc.getCluster('lost'));
    expect(completed.acknowledgedEpoch).toBe(completed.epoch);
    expect(valueOf(await clusterIssuer(objectId).issuer.health())).toMatchObject({ ready: true });
    expect(valueOf(await (await bootstrapped()).names()).trustDomains[name]?.clusters['lost']).toBeDefined();
  });

  it('gives every cluster a new epoch and bundle when a root is created', async () => {
    const { rpc, enrol } = await trustDomain();
    const { info, issuer } = await enrol();
    valueOf(await rpc.createRoot(ADMIN, { keyType: 'ec-p256' }));
    const after = valueOf(await rpc.getCluster(info.name));
    expect(after.epoch).toBeGreaterThan(info.epoch);
    expect(after.acknowledgedEpoch).toBe(after.epoch);
    expect(valueOf(await issuer.snapshot()).epoch).toBe(after.epoch);
  });
});

describe('disable', () => {
  it('is enforced when the cluster has acknowledged', async () => {
    const { rpc, enrol } = await trustDomain();
    const { info, issuer } = await enrol();
    expect(valueOf(await rpc.disableCluster(ADMIN, info.name))).toMatchObject({ enforced: true });
    expect(valueOf(await issuer.snapshot()).enabled).toBe(false);
  });

  it('is not called enforced while the cluster is away, and is delivered by the schedule later', async () => {
    const { rpc, stub, enrol } = await trustDomain();
    const { info, stub: issuerStub, issuer } = await enrol();
    await setNewerSchema(issuerStub, true);
    const answered = valueOf(await rpc.disableCluster(ADMIN, info.name));
    expect(answered.enforced).toBe(false);
    expect(valueOf(await rpc.getCluster(info.name)).acknowledgedEpoch).toBe(info.epoch);
    await setNewerSchema(issuerStub, false);
    expect(valueOf(await issuer.snapshot()).enabled).toBe(true);
    await runSchedule(stub);
    expect(valueOf(await issuer.snapshot())).toMatchObject({ enabled: false, epoch: answered.epoch });
    expect(valueOf(await rpc.disableCluster(ADMIN, info.name)).enforced).toBe(true);
  });

  it('gets past an issuer that knows a newer epoch, as after a restore of an old state', async () => {
    const { rpc, stub, enrol } = await trustDomain();
    const { info, stub: issuerStub, issuer } = await enrol();
    const ahead = Date.now() + 3_600_000;
    await runInDurableObject(issuerStub, (_, { storage }) => {
      storage.sql.exec(`UPDATE config SET document = json_set(document, '$.epoch', ?)`, ahead);
    });
    await evictDurableObject(issuerStub);
    expect(valueOf(await rpc.disableCluster(ADMIN, info.name)).enforced).toBe(false);
    await runSchedule(stub);
    expect(valueOf(await issuer.snapshot())).toMatchObject({ enabled: false, epoch: ahead + 1 });
    expect(valueOf(await rpc.disableCluster(ADMIN, info.name))).toEqual({ enforced: true, epoch: ahead + 1 });
  });

  it('stops the certification of new intermediates', async () => {
    const { rpc, enrol } = await trustDomain();
    const { info } = await enrol();
    valueOf(await rpc.disableCluster(ADMIN, info.name));
    const certified = await rpc.certify({ cluster: info.name, purpose: 'svid', spki: '' });
    expect(failureOf(certified).code).toBe('cluster-disabled');
  });
});

describe('the trust domain', () => {
  it('audits every admin action and every intermediate', async () => {
    const { rpc, enrol } = await trustDomain();
    const { info } = await enrol();
    valueOf(await rpc.disableCluster(ADMIN, info.name));
    const actions = valueOf(await rpc.audit({})).rows.map(({ action, actor }) => `${action} by ${actor.name}`);
    expect(actions).toEqual([
      'root.create by ada',
      'cluster.enrol by ada',
      'intermediate.certify by ambient-ca',
      'intermediate.certify by ambient-ca',
      'cluster.disable by ada',
    ]);
  });

  it('that was never created serves nothing', async () => {
    const domain = env.TRUST_DOMAIN.get(env.TRUST_DOMAIN.newUniqueId());
    expect(failureOf(await domain.createRoot(ADMIN, { keyType: 'ec-p256' })).code).toBe('not-ready');
    expect(failureOf(await domain.bundle()).code).toBe('not-ready');
  });

  it('does not take another name or instance', async () => {
    const { rpc } = await trustDomain();
    expect(failureOf(await rpc.initialise({ instanceId: 'x', name: 'other.example' })).code).toBe('invalid');
  });
});

it('a leaf of a cluster verifies up to the root of its trust domain', async () => {
  const { root, enrol } = await trustDomain();
  const { stub } = await enrol();
  const [svid, serving] = await runInDurableObject(stub, (_, { storage }) =>
    storage.sql
      .exec<{ certificate: ArrayBuffer }>('SELECT certificate FROM intermediates ORDER BY purpose DESC')
      .toArray()
      .map(({ certificate }) => new Uint8Array(certificate)),
  );
  const answer = await runInDurableObject(
    stub,
    (_, { storage }) =>
      new Uint8Array(
        storage.sql
          .exec<{ certificate: ArrayBuffer }>(`SELECT certificate FROM service_keys WHERE purpose = 'answer'`)
          .one().certificate,
      ),
  );
  const result = await verifyChain({
    crypto: webCrypto(),
    leaf: answer,
    intermediates: [svid ?? answer, serving ?? answer],
    roots: [fromBase64(root.certificate)],
    now: Date.now(),
  });
  expect(result).toMatchObject({ ok: true });
});

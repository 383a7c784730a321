import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { decodeBatchAnswer } from '../../../ca-service/src/client/protocol.ts';
import { ADMIN, enrolment, failureOf, trustDomain, trustDomainWithoutRoot, valueOf } from '../support/deployment.ts';
import { decoded, issueRequest, pack } from '../support/requests.ts';

/** A statement on this table fails from now on, as when the disk is full. */
async function failOn(
  stub: DurableObjectStub,
  table: string,
  operation: 'INSERT' | 'UPDATE' = 'INSERT',
): Promise<void> {
  await runInDurableObject(stub, (_, { storage }) =>
    storage.sql
      .exec(`CREATE TRIGGER fault BEFORE ${operation} ON ${table} BEGIN SELECT RAISE(ABORT, 'injected fault'); END`)
      .toArray(),
  );
}

async function heal(stub: DurableObjectStub): Promise<void> {
  await runInDurableObject(stub, (_, { storage }) => storage.sql.exec('DROP TRIGGER fault').toArray());
}

async function ledgerRows(stub: DurableObjectStub): Promise<number[]> {
  return runInDurableObject(stub, (_, { storage }) =>
    ['current', 'live', 'history', 'names'].map((table) =>
      Number(storage.sql.exec(`SELECT COUNT(*) AS n FROM ${table}`).one()['n']),
    ),
  );
}

describe('an issuance', () => {
  it.each(['current', 'live', 'history', 'names'])(
    'whose row in %s cannot be written leaves no row and no certificate',
    async (table) => {
      const { issuer, stub } = await (await trustDomain()).enrol();
      await failOn(stub, table);
      const request = await issueRequest(valueOf(await issuer.snapshot()), [{}, { serviceAccount: 'reviews' }]);
      expect(failureOf(await issuer.issue(pack(request))).code).toBe('internal');
      expect(await ledgerRows(stub)).toEqual([0, 0, 0, 0]);
      await heal(stub);
      // What was remembered beside the rows was forgotten with them: the next one writes them all.
      const next = decoded(await issuer.issue(pack(await issueRequest(valueOf(await issuer.snapshot())))));
      expect(decodeBatchAnswer(next.body).items).toMatchObject([{ status: 'issued' }]);
      expect(await ledgerRows(stub)).toEqual([1, 1, 1, 3]);
      expect(valueOf(await issuer.certificates({})).rows).toMatchObject([{ node: 'node-a' }]);
    },
  );

  it('that a fault follows is still in the ledger after the object started anew', async () => {
    const { issuer, stub } = await (await trustDomain()).enrol();
    valueOf(await issuer.issue(pack(await issueRequest(valueOf(await issuer.snapshot())))));
    await evictDurableObject(stub);
    expect(await ledgerRows(stub)).toEqual([1, 1, 1, 3]);
  });
});

describe('a root', () => {
  it.each(['roots', 'audit'])('whose row in %s cannot be written does not exist', async (table) => {
    const { rpc, stub } = await trustDomainWithoutRoot();
    await failOn(stub, table);
    expect(failureOf(await rpc.createRoot(ADMIN, { keyType: 'ec-p256' }, 'k')).code).toBe('internal');
    expect(valueOf(await rpc.bundle())).toMatchObject({ version: 0, roots: [] });
    await heal(stub);
    expect(valueOf(await rpc.createRoot(ADMIN, { keyType: 'ec-p256' }, 'k')).state).toBe('active');
  });

  it('without its cross-certificate does not exist', async () => {
    const { rpc, stub } = await trustDomain();
    await failOn(stub, 'cross_certificates');
    const before = valueOf(await rpc.bundle());
    expect(failureOf(await rpc.createRoot(ADMIN, { keyType: 'ec-p256' })).code).toBe('internal');
    expect(valueOf(await rpc.bundle())).toEqual(before);
  });
});

describe('an enrolment', () => {
  it.each(['clusters', 'cluster_keys', 'audit', 'schedule'])(
    'whose row in %s cannot be written does not exist',
    async (table) => {
      const { rpc, stub } = await trustDomain();
      await failOn(stub, table);
      const input = await enrolment();
      expect(failureOf(await rpc.enrolCluster(ADMIN, input, 'k')).code).toBe('internal');
      expect(valueOf(await rpc.listClusters())).toEqual([]);
      await heal(stub);
      const info = valueOf(await rpc.enrolCluster(ADMIN, input, 'k'));
      expect(info.acknowledgedEpoch).toBe(info.epoch);
    },
  );

  it('whose acknowledgement cannot be written is delivered again, and that changes nothing', async () => {
    const { rpc, stub } = await trustDomain();
    await failOn(stub, 'clusters', 'UPDATE');
    const input = await enrolment();
    expect(valueOf(await rpc.enrolCluster(ADMIN, input, 'k')).acknowledgedEpoch).toBeNull();
    await heal(stub);
    const info = valueOf(await rpc.enrolCluster(ADMIN, input, 'k'));
    expect(info.acknowledgedEpoch).toBe(info.epoch);
  });

  it('whose certification fails is acknowledged, not ready, and completed by repeating', async () => {
    const { rpc, stub } = await trustDomain();
    await failOn(stub, 'intermediates');
    const input = await enrolment();
    const info = valueOf(await rpc.enrolCluster(ADMIN, input, 'k'));
    expect(info.acknowledgedEpoch).toBe(info.epoch);
    await heal(stub);
    valueOf(await rpc.createRoot(ADMIN, { keyType: 'ec-p256' }));
    expect(valueOf(await rpc.getCluster(info.name)).epoch).toBeGreaterThan(info.epoch);
  });
});

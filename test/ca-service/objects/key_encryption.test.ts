import { env } from 'cloudflare:workers';
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { Directory } from '../../../ca-service/src/objects/directory.ts';
import type { Remote, DirectoryRpc, Rpc } from '../../../ca-service/src/objects/rpc.ts';
import { ADMIN, enrolment, failureOf, hashOf, trustDomain, valueOf } from '../support/deployment.ts';
import { issueRequest, pack } from '../support/requests.ts';

/** Stored check values that say: the KEK was another one, or had another version. */
const faults = [
  ['kek-mismatch', `UPDATE kek_checks SET value = randomblob(60)`],
  ['kek-missing', `UPDATE kek_checks SET version = '9'`],
] as const;

async function rowCounts(stub: DurableObjectStub): Promise<Record<string, unknown>> {
  return runInDurableObject(stub, (_, { storage }) =>
    Object.fromEntries(
      storage.sql
        .exec<{ name: string }>(
          `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'`,
        )
        .toArray()
        .map(({ name }) => [name, storage.sql.exec(`SELECT COUNT(*) AS n FROM ${name}`).one()['n']]),
    ),
  );
}

async function breakKek(stub: DurableObjectStub, statement: string): Promise<void> {
  await runInDurableObject(stub, (_, { storage }) => storage.sql.exec(statement).toArray());
  await evictDurableObject(stub);
}

describe.each(faults)('%s', (code, statement) => {
  it('stops a trust domain from serving and from making anything', async () => {
    const { rpc, stub } = await trustDomain();
    await breakKek(stub, statement);
    const before = await rowCounts(stub);
    const answers: Rpc<unknown>[] = [
      await rpc.createRoot(ADMIN, { keyType: 'ec-p256' }),
      await rpc.enrolCluster(ADMIN, await enrolment()),
      await rpc.certify({ cluster: 'x', purpose: 'svid', spki: '' }),
      await rpc.listRoots(),
      await rpc.bundle(),
    ];
    expect(answers.map((answer) => failureOf(answer).code)).toEqual(answers.map(() => code));
    expect(await rowCounts(stub)).toEqual(before);
  });

  it('stops a cluster from issuing and recording', async () => {
    const { issuer, stub } = await (await trustDomain()).enrol();
    const packed = pack(await issueRequest(valueOf(await issuer.snapshot())));
    await breakKek(stub, statement);
    const before = await rowCounts(stub);
    const answers: Rpc<unknown>[] = [await issuer.issue(packed), await issuer.snapshot(), await issuer.trust('x')];
    expect(answers.map((answer) => failureOf(answer).code)).toEqual(answers.map(() => code));
    expect(await rowCounts(stub)).toEqual(before);
  });
});

describe('a wrapped key', () => {
  it('that was moved to another row does not open, and nothing is signed', async () => {
    const { issuer, stub } = await (await trustDomain()).enrol();
    await breakKek(
      stub,
      `UPDATE intermediates SET wrapped_key = (SELECT wrapped_key FROM intermediates WHERE purpose = 'serving') WHERE purpose = 'svid'`,
    );
    expect(failureOf(await issuer.snapshot()).code).toBe('kek-mismatch');
  });

  it('is all that the store holds of a private key', async () => {
    const { stub } = await (await trustDomain()).enrol();
    const plain = await runInDurableObject(stub, (_, { storage }) =>
      storage.sql
        .exec<{ wrapped_key: ArrayBuffer }>(
          'SELECT wrapped_key FROM intermediates UNION ALL SELECT wrapped_key FROM service_keys',
        )
        .toArray()
        .map(({ wrapped_key }) => new Uint8Array(wrapped_key)),
    );
    expect(plain).toHaveLength(4);
    // PKCS#8 begins with a SEQUENCE, ours with format and version of the KEK.
    for (const wrapped of plain) expect([...wrapped.subarray(0, 3)]).toEqual([1, 1, '1'.charCodeAt(0)]);
  });
});

describe('a directory', () => {
  const settings = [
    ['kek-missing', { KEK: '' }],
    ['kek-missing', { KEK: 'not json' }],
    ['kek-missing', { KEK: JSON.stringify({ current: '1', keys: { '1': btoa('short') } }) }],
    ['state-missing', { INSTANCE_ID: 'd7cbd2a4-7c5f-4a8e-9f1e-0a4f4e2c1c11' }],
  ] as const;

  it.each(settings)('answers %s under %j and bootstraps nothing', async (code, change) => {
    const stub = env.DIRECTORY.get(env.DIRECTORY.newUniqueId()) as unknown as DurableObjectStub;
    await runInDurableObject(stub, async (_, state) => {
      const directory = new Directory(state, { ...env, ...change });
      await scheduler.wait(20);
      const input = { tokenId: 't', tokenName: 't', tokenHash: await hashOf('t'), expiresAt: Date.now() + 60_000 };
      expect(failureOf(await directory.bootstrap(input)).code).toBe(code);
      expect(valueOf(await directory.status())).toMatchObject({ bootstrapped: false, kek: code });
      expect(state.storage.sql.exec('SELECT * FROM meta').toArray()).toEqual([]);
      expect(state.storage.sql.exec('SELECT * FROM api_tokens').toArray()).toEqual([]);
    });
  });

  it('under its own INSTANCE_ID serves', async () => {
    const stub = env.DIRECTORY.get(env.DIRECTORY.newUniqueId()) as unknown as DurableObjectStub;
    const rpc = stub as unknown as Remote<DirectoryRpc>;
    const input = { tokenId: 't', tokenName: 't', tokenHash: await hashOf('t'), expiresAt: Date.now() + 60_000 };
    const { instanceId } = valueOf(await rpc.bootstrap(input));
    await runInDurableObject(stub, async (_, state) => {
      const directory = new Directory(state, { ...env, INSTANCE_ID: instanceId });
      await scheduler.wait(20);
      expect(valueOf(await directory.names()).instanceId).toBe(instanceId);
    });
  });
});

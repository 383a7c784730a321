import { env } from 'cloudflare:workers';
import { runInDurableObject, evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { type ChainHead, follow, GENESIS } from '../../../ca-service/src/client/audit_chain.ts';
import type { DirectoryRpc, Remote, TokenInput } from '../../../ca-service/src/objects/rpc.ts';
import { ADMIN, bootstrapped, directoryStub, failureOf, hashOf, uniqueName, valueOf } from '../support/deployment.ts';

function freshDirectory(): { rpc: Remote<DirectoryRpc>; stub: DurableObjectStub } {
  const stub = env.DIRECTORY.get(env.DIRECTORY.newUniqueId()) as unknown as DurableObjectStub;
  return { rpc: stub as unknown as Remote<DirectoryRpc>, stub };
}

async function token(change: Partial<TokenInput> = {}): Promise<TokenInput & { secret: string }> {
  const secret = uniqueName('secret');
  const expiresAt = Date.now() + 60_000;
  const base = { id: uniqueName('token'), name: 'ci', role: 'operator' as const, trustDomains: '*' as const };
  return { ...base, tokenHash: await hashOf(secret), expiresAt, ...change, secret };
}

const first = async (): Promise<Parameters<DirectoryRpc['bootstrap']>[0]> => ({
  tokenId: 't',
  tokenName: 't',
  tokenHash: await hashOf('t'),
  expiresAt: Date.now() + 60_000,
});

describe('bootstrap', () => {
  it('happens once, gives an instance id and an admin, and survives eviction', async () => {
    const { rpc, stub } = freshDirectory();
    expect(valueOf(await rpc.status())).toEqual({ instanceId: null, bootstrapped: false, kek: 'ok', reason: null });
    const { instanceId } = valueOf(await rpc.bootstrap(await first()));
    await evictDurableObject(stub);
    expect(valueOf(await rpc.status())).toMatchObject({ instanceId, bootstrapped: true });
    expect(failureOf(await rpc.bootstrap(await first())).code).toBe('already-bootstrapped');
    expect(valueOf(await rpc.authenticate(await hashOf('t'))).actor).toMatchObject({ role: 'admin' });
  });

  it('done twice at once makes one instance', async () => {
    const { rpc } = freshDirectory();
    const input = await first();
    const results = await Promise.all([rpc.bootstrap(input), rpc.bootstrap(input), rpc.bootstrap(input)]);
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
  });

  it('is not possible again after every token is gone', async () => {
    const { rpc, stub } = freshDirectory();
    valueOf(await rpc.bootstrap(await first()));
    await runInDurableObject(stub, (_, { storage }) => storage.sql.exec('DELETE FROM api_tokens').toArray());
    expect(failureOf(await rpc.bootstrap(await first())).code).toBe('already-bootstrapped');
  });

  it.each(['names', 'listTokens'] as const)('%s asks for it before', async (method) => {
    expect(failureOf(await freshDirectory().rpc[method]()).code).toBe('not-bootstrapped');
  });
});

describe('API tokens', () => {
  it('authenticate with role and trust domains until revoked', async () => {
    const rpc = await bootstrapped();
    const { secret, ...input } = await token({ trustDomains: ['a.example'], role: 'viewer' });
    valueOf(await rpc.createToken(ADMIN, input));
    expect(valueOf(await rpc.authenticate(await hashOf(secret)))).toMatchObject({
      actor: { id: input.id, role: 'viewer' },
      trustDomains: ['a.example'],
    });
    expect(valueOf(await rpc.revokeToken(ADMIN, input.id)).revokedAt).toBeGreaterThan(0);
    expect(failureOf(await rpc.authenticate(await hashOf(secret))).code).toBe('unauthenticated');
  });

  it('are stored as hashes only', async () => {
    const rpc = await bootstrapped();
    const { secret, ...input } = await token();
    valueOf(await rpc.createToken(ADMIN, input));
    const dump = await runInDurableObject(directoryStub(), (_, { storage }) =>
      JSON.stringify(storage.sql.exec('SELECT * FROM api_tokens').toArray()),
    );
    expect(dump).toContain(input.tokenHash);
    expect(dump).not.toContain(secret);
    expect(JSON.stringify(valueOf(await rpc.listTokens()))).not.toContain(input.tokenHash);
  });

  it('that have expired do not authenticate', async () => {
    const rpc = await bootstrapped();
    const { secret, ...input } = await token();
    valueOf(await rpc.createToken(ADMIN, input));
    await runInDurableObject(directoryStub(), (_, { storage }) =>
      storage.sql.exec('UPDATE api_tokens SET expires_at = ? WHERE id = ?', Date.now() - 1, input.id).toArray(),
    );
    expect(failureOf(await rpc.authenticate(await hashOf(secret))).code).toBe('unauthenticated');
  });

  it('of the last admin cannot be revoked, any other can', async () => {
    const { rpc } = freshDirectory();
    valueOf(await rpc.bootstrap(await first()));
    const { secret: _, ...viewer } = await token({ role: 'viewer' });
    valueOf(await rpc.createToken(ADMIN, viewer));
    expect(failureOf(await rpc.revokeToken(ADMIN, 't')).code).toBe('last-admin');
    valueOf(await rpc.revokeToken(ADMIN, viewer.id));
    const { secret: __, ...second } = await token({ role: 'admin' });
    valueOf(await rpc.createToken(ADMIN, second));
    valueOf(await rpc.revokeToken(ADMIN, 't'));
  });

  it('made again under one idempotency key are one token, and the answer says which', async () => {
    const rpc = await bootstrapped();
    const { secret: _, ...input } = await token({ role: 'viewer' });
    const { secret: again, ...repeated } = await token({ role: 'viewer' });
    const key = crypto.randomUUID();
    valueOf(await rpc.createToken(ADMIN, input, key));
    const refused = failureOf(await rpc.createToken(ADMIN, { ...repeated, name: input.name }, key));
    expect(refused.code).toBe('already-exists');
    expect(refused.fix).toContain(`revoke ${input.id}`);
    expect(failureOf(await rpc.authenticate(await hashOf(again))).code).toBe('unauthenticated');
    const other = { ...repeated, name: input.name, role: 'operator' as const };
    expect(failureOf(await rpc.createToken(ADMIN, other, key)).code).toBe('idempotency-mismatch');
  });

  it.each([
    [{ expiresAt: 1 }, 'invalid'],
    [{ tokenHash: 'short' }, 'invalid'],
    [{ id: 'first' }, 'already-exists'],
  ])('with %j are refused', async (change, code) => {
    const rpc = await bootstrapped();
    const { secret: _, ...input } = await token(change);
    expect(failureOf(await rpc.createToken(ADMIN, input)).code).toBe(code);
  });
});

describe('trust domains', () => {
  it('are created once and found by name', async () => {
    const rpc = await bootstrapped();
    const name = `${uniqueName('mesh')}.example`;
    const { objectId } = valueOf(await rpc.createTrustDomain(ADMIN, { name }));
    expect(valueOf(await rpc.names()).trustDomains[name]).toEqual({ objectId, clusters: {} });
    expect(failureOf(await rpc.createTrustDomain(ADMIN, { name })).code).toBe('already-exists');
  });

  it('created again under one idempotency key are answered alike', async () => {
    const rpc = await bootstrapped();
    const name = `${uniqueName('mesh')}.example`;
    const key = crypto.randomUUID();
    const made = valueOf(await rpc.createTrustDomain(ADMIN, { name }, key));
    expect(valueOf(await rpc.createTrustDomain(ADMIN, { name }, key))).toEqual(made);
    const other = { name: `${uniqueName('mesh')}.example` };
    expect(failureOf(await rpc.createTrustDomain(ADMIN, other, key)).code).toBe('idempotency-mismatch');
  });

  it.each(['', 'Mesh.example', 'a/b', '-mesh', 'mesh example', '*'])('named %j are refused', async (name) => {
    const rpc = await bootstrapped();
    expect(failureOf(await rpc.createTrustDomain(ADMIN, { name })).code).toBe('invalid');
  });

  it('whose object was not told its name are completed by repeating, and by the schedule', async () => {
    const rpc = await bootstrapped();
    for (const complete of ['repeat', 'schedule'] as const) {
      const name = `${uniqueName('half')}.example`;
      const objectId = env.TRUST_DOMAIN.newUniqueId().toString();
      await runInDurableObject(directoryStub(), (_, { storage }) => {
        storage.sql.exec('INSERT INTO trust_domains VALUES (?, ?, 0, NULL)', name, objectId);
        storage.sql.exec('INSERT INTO schedule VALUES (?, 0, 0, NULL)', `initialise:${name}`);
        return storage.setAlarm(Date.now() + 60_000);
      });
      if (complete === 'repeat') valueOf(await rpc.createTrustDomain(ADMIN, { name }));
      else expect(await runDurableObjectAlarm(directoryStub())).toBe(true);
      const domain = env.TRUST_DOMAIN.get(env.TRUST_DOMAIN.idFromString(objectId));
      expect(valueOf(await domain.listRoots())).toEqual([]);
    }
  });
});

describe('the last use of an API token', () => {
  it('is kept to the hour, and a read in between writes nothing', async () => {
    const { rpc, stub } = freshDirectory();
    valueOf(await rpc.bootstrap(await first()));
    const lastUse = async () => valueOf(await rpc.listTokens())[0]?.lastUsedAt;
    expect(await lastUse()).toBeNull();
    const before = Date.now();
    valueOf(await rpc.authenticate(await hashOf('t')));
    const used = (await lastUse()) ?? 0;
    expect(used).toBeGreaterThanOrEqual(before);
    valueOf(await rpc.authenticate(await hashOf('t')));
    expect(await lastUse()).toBe(used);
    const hourAgo = used - 3_600_000;
    await runInDurableObject(stub, (_, { storage }) =>
      storage.sql.exec('UPDATE api_tokens SET last_used_at = ?', hourAgo).toArray(),
    );
    valueOf(await rpc.authenticate(await hashOf('t')));
    expect(await lastUse()).toBeGreaterThanOrEqual(used);
  });

  it('is not that of one who guessed', async () => {
    const { rpc } = freshDirectory();
    valueOf(await rpc.bootstrap(await first()));
    expect(failureOf(await rpc.authenticate(await hashOf('guess'))).code).toBe('unauthenticated');
    expect(valueOf(await rpc.listTokens())[0]?.lastUsedAt).toBeNull();
  });
});

describe('the audit', () => {
  it('has every admin action in order, by pages', async () => {
    const { rpc } = freshDirectory();
    valueOf(await rpc.bootstrap(await first()));
    const { secret: _, ...input } = await token();
    valueOf(await rpc.createToken(ADMIN, input));
    valueOf(await rpc.revokeToken(ADMIN, input.id));
    const one = valueOf(await rpc.audit({ limit: 2 }));
    expect(one.rows.map(({ action }) => action)).toEqual(['deployment.bootstrap', 'token.create']);
    const two = valueOf(await rpc.audit({ limit: 2, cursor: one.next ?? '' }));
    expect(two).toMatchObject({ rows: [{ action: 'token.revoke', actor: ADMIN, subject: input.id }], next: null });
  });

  it('is a chain of hashes that goes on after a restart, and shows a row that was changed past it', async () => {
    const { rpc, stub } = freshDirectory();
    valueOf(await rpc.bootstrap(await first()));
    const { secret: _, ...input } = await token();
    valueOf(await rpc.createToken(ADMIN, input));
    await evictDurableObject(stub);
    valueOf(await rpc.revokeToken(ADMIN, input.id));
    const read = async () =>
      valueOf(await rpc.audit({})).rows.reduce<ChainHead | string>(
        (head, row) => (typeof head === 'string' ? head : follow(head, row)),
        GENESIS,
      );
    expect(await read()).toEqual({ id: 3, hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    await runInDurableObject(stub, (_, { storage }) =>
      storage.sql.exec("UPDATE audit SET actor_name = 'nobody' WHERE id = 2").toArray(),
    );
    expect(await read()).toContain('the hash of entry 2 ');
  });

  it.each(['x', 'WyJhIl0', btoa('[1,2]')])('refuses the cursor %j', async (cursor) => {
    expect(failureOf(await (await bootstrapped()).audit({ cursor })).code).toBe('invalid');
  });

  it.each([0, 501, 1.5])('refuses a limit of %d', async (limit) => {
    expect(failureOf(await (await bootstrapped()).audit({ limit })).code).toBe('invalid');
  });
});

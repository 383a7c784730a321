import { env } from 'cloudflare:workers';
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { migrate } from '../../../ca-service/src/storage/migrations.ts';
import { clusterIssuerSchema, directorySchema, trustDomainSchema } from '../../../ca-service/src/storage/schema.ts';
import { failureOf, valueOf } from '../support/deployment.ts';
import { migration, withStorage } from '../support/storage.ts';

/** The storage of an object whose own migrations are out of the way. */
function withEmptyStorage<T>(run: (storage: DurableObjectStorage) => T): Promise<T> {
  return withStorage((storage) => {
    storage.sql.exec('DELETE FROM _migrations');
    return run(storage);
  });
}

const applied = (storage: DurableObjectStorage): unknown[] =>
  storage.sql
    .exec('SELECT id FROM _migrations ORDER BY id')
    .toArray()
    .map(({ id }) => id);

describe('migrations', () => {
  it('are applied in order, once', () =>
    withEmptyStorage((storage) => {
      const one = migration(1, 'CREATE TABLE a (x)');
      const two = migration(2, 'ALTER TABLE a ADD COLUMN y');
      expect(migrate(storage, [one], 1)).toBeNull();
      expect(migrate(storage, [one, two], 2)).toBeNull();
      expect(migrate(storage, [one, two], 3)).toBeNull();
      expect(applied(storage)).toEqual([1, 2]);
      storage.sql.exec('INSERT INTO a (x, y) VALUES (1, 2)');
    }));

  it('that fail leave nothing behind', () =>
    withEmptyStorage((storage) => {
      const broken = [migration(1, 'CREATE TABLE b (x)'), migration(2, 'CREATE TABLE b (x)')];
      expect(() => migrate(storage, broken, 1)).toThrow();
      expect(applied(storage)).toEqual([]);
      expect(migrate(storage, [migration(1, 'CREATE TABLE b (x)')], 1)).toBeNull();
    }));

  it('of a newer version that lets this code serve are left alone', () =>
    withEmptyStorage((storage) => {
      const one = migration(1, 'CREATE TABLE c (x)');
      migrate(storage, [one, migration(2, 'ALTER TABLE c ADD COLUMN y', 1)], 1);
      expect(migrate(storage, [one], 2)).toBeNull();
      expect(applied(storage)).toEqual([1, 2]);
    }));

  it('of a newer version that does not are the failure schema-newer', () =>
    withEmptyStorage((storage) => {
      const one = migration(1, 'CREATE TABLE d (x)');
      migrate(storage, [one, migration(2, 'ALTER TABLE d ADD COLUMN y', 2)], 1);
      expect(migrate(storage, [one], 2)).toMatchObject({ code: 'schema-newer' });
    }));

  it('of each object have numbers without a gap, and never ask for code that is not there yet', () => {
    for (const schema of [directorySchema, trustDomainSchema, clusterIssuerSchema]) {
      expect(schema.map(({ id }) => id)).toEqual(schema.map((_, index) => index + 1));
      expect(schema.every(({ id, oldestCode }) => oldestCode >= 1 && oldestCode <= id)).toBe(true);
    }
  });
});

describe('an object on a newer schema', () => {
  it('serves nothing and says why', async () => {
    const stub = env.DIRECTORY.get(env.DIRECTORY.newUniqueId());
    await runInDurableObject(stub as unknown as DurableObjectStub, (_, { storage }) =>
      storage.sql.exec(`INSERT INTO _migrations VALUES (2, 'later', 2, 0)`).toArray(),
    );
    await evictDurableObject(stub);
    expect(failureOf(await stub.names()).code).toBe('schema-newer');
    expect(valueOf(await stub.status())).toMatchObject({ kek: 'schema-newer', bootstrapped: false });
  });
});

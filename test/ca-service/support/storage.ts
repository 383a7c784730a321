import { env } from 'cloudflare:workers';
import { runInDurableObject } from 'cloudflare:test';
import type { Migration } from '../../../ca-service/src/storage/migrations.ts';

/** Runs with the storage of an object that is used for nothing else: the tables are those of its class. */
export function withStorage<T>(
  run: (storage: DurableObjectStorage) => T | Promise<T>,
  namespace: 'DIRECTORY' | 'TRUST_DOMAIN' | 'CLUSTER_ISSUER' = 'CLUSTER_ISSUER',
): Promise<T> {
  const binding = env[namespace] as unknown as DurableObjectNamespace;
  return runInDurableObject(binding.get(binding.newUniqueId()), (_, { storage }) => run(storage));
}

/** A schema of one table, for tests of the migrations themselves. */
export function migration(id: number, statement: string, oldestCode = id): Migration {
  return { id, name: `step ${id}`, oldestCode, statements: [statement] };
}

import { describe, expect, it } from 'vitest';
import { hashRequest, Idempotency } from '../../../ca-service/src/storage/idempotency.ts';
import { ADMIN } from '../support/deployment.ts';
import { withStorage } from '../support/storage.ts';

const DAY = 86_400_000;

function withKeys(run: (keys: Idempotency, storage: DurableObjectStorage) => void): Promise<void> {
  return withStorage((storage) => run(new Idempotency(storage.sql), storage), 'TRUST_DOMAIN');
}

describe('an idempotency key', () => {
  it('recalls the answer of the same request for a day', () =>
    withKeys((keys) => {
      keys.store(ADMIN, 'k', 'hash', { id: 1 }, 0);
      expect(keys.recall(ADMIN, 'k', 'hash', DAY - 1)).toEqual({ id: 1 });
      expect(keys.recall(ADMIN, 'k', 'hash', DAY)).toBeNull();
      keys.store(ADMIN, 'k', 'other', { id: 2 }, DAY);
      expect(keys.recall(ADMIN, 'k', 'other', DAY)).toEqual({ id: 2 });
    }));

  it('of another request is refused', () =>
    withKeys((keys) => {
      keys.store(ADMIN, 'k', 'hash', {}, 0);
      expect(() => keys.recall(ADMIN, 'k', 'other', 1)).toThrow('was used for another request');
    }));

  it('belongs to one actor', () =>
    withKeys((keys) => {
      keys.store(ADMIN, 'k', 'hash', {}, 0);
      expect(keys.recall({ ...ADMIN, id: 'admin-2' }, 'k', 'other', 1)).toBeNull();
    }));

  it('that is absent stores and recalls nothing', () =>
    withKeys((keys, { sql }) => {
      keys.store(ADMIN, undefined, 'hash', {}, 0);
      expect(keys.recall(ADMIN, undefined, 'hash', 1)).toBeNull();
      expect(sql.exec('SELECT * FROM idempotency').toArray()).toEqual([]);
    }));

  it('is compared by a hash of the request', async () => {
    expect(await hashRequest(['a', { b: 1 }])).toBe(await hashRequest(['a', { b: 1 }]));
    expect(await hashRequest(['a', { b: 1 }])).not.toBe(await hashRequest(['a', { b: 2 }]));
  });
});

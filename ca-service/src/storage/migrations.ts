import type { CaFailure } from '../objects/rpc.ts';

/**
 * One step of a schema, forward only. Expand first and contract in a later step, so that the code before this step
 * still runs on it: `oldestCode` is the lowest schema number whose code may serve on the result.
 */
export interface Migration {
  /** 1, 2, 3 … without a gap */
  readonly id: number;
  readonly name: string;
  readonly oldestCode: number;
  readonly statements: readonly string[];
}

/** A type alias, because only those have the index signature that `exec` asks for. */
type Applied = { id: number; oldest_code: number };

/**
 * Brings an object's schema up to date in one transaction. Answers the failure `schema-newer`, and changes nothing, when
 * the stored schema is newer than this code and does not let it serve.
 */
export function migrate(
  storage: DurableObjectStorage,
  migrations: readonly Migration[],
  now: number,
): CaFailure | null {
  const { sql } = storage;
  sql.exec(
    `CREATE TABLE IF NOT EXISTS _migrations (
       id INTEGER PRIMARY KEY, name TEXT NOT NULL, oldest_code INTEGER NOT NULL, applied_at INTEGER NOT NULL)`,
  );
  const applied = sql.exec<Applied>('SELECT id, oldest_code FROM _migrations ORDER BY id').toArray();
  const known = migrations.at(-1)?.id ?? 0;
  const stored = applied.at(-1)?.id ?? 0;
  const oldest = Math.max(0, ...applied.filter(({ id }) => id > known).map(({ oldest_code }) => oldest_code));
  if (oldest > known) {
    return {
      code: 'schema-newer',
      detail: `the stored schema is number ${stored}, this version of the service knows up to ${known}`,
      fix: 'deploy the version of ambient-ca that wrote it, or a newer one',
    };
  }
  const missing = migrations.filter(({ id }) => id > stored);
  if (missing.length === 0) return null;
  storage.transactionSync(() => {
    for (const { id, name, oldestCode, statements } of missing) {
      for (const statement of statements) sql.exec(statement);
      sql.exec('INSERT INTO _migrations VALUES (?, ?, ?, ?)', id, name, oldestCode, now);
    }
  });
  return null;
}

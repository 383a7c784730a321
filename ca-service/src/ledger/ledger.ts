import { levelNumber, type IssuanceBatch } from './issuance.ts';
import { Live } from './live.ts';
import { Names } from './names.ts';
import { packBatch } from './packing.ts';

/** Batches a millisecond that get numbers in order of time; a batch's number tells its time, so history needs no index on it. */
export const BATCHES_PER_MS = 1024;

const UPSERT = `INSERT INTO current (pod_uid, identity, node, serial, issued_at, not_after, issuer, bundle_version, level, request_id)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (pod_uid, identity) DO UPDATE SET node = excluded.node, serial = excluded.serial, issued_at = excluded.issued_at,
    not_after = excluded.not_after, issuer = excluded.issuer, bundle_version = excluded.bundle_version, level = excluded.level,
    request_id = excluded.request_id`;

/** The record of every issuance. What is written here is written before a signature exists. */
export class Ledger {
  readonly names: Names;
  readonly live: Live;
  readonly #storage: DurableObjectStorage;
  #lastBatch: number;
  #openRecords: number;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.names = new Names(storage.sql);
    this.live = new Live(storage.sql);
    const closed = lastClosedBatch(storage.sql);
    this.#lastBatch =
      storage.sql.exec<{ batch: number | null }>('SELECT MAX(batch) AS batch FROM history').one().batch ?? closed;
    this.#openRecords =
      storage.sql
        .exec<{ count: number | null }>('SELECT SUM(count) AS count FROM history WHERE batch > ?', closed)
        .one().count ?? 0;
  }

  /** Records of `history` that have no serial index yet. */
  get openRecords(): number {
    return this.#openRecords;
  }

  /** Writes a batch to `current`, `live` and `history` in one transaction: all of it or, when it throws, nothing. */
  record({ at, issuer, bundleVersion, issuances }: IssuanceBatch): void {
    const { sql } = this.#storage;
    const batch = Math.max(this.#lastBatch + 1, at * BATCHES_PER_MS);
    const latest = Math.max(...issuances.map(({ notAfter }) => notAfter));
    try {
      this.#storage.transactionSync(() => {
        const issuerId = this.names.intern(issuer);
        const records = issuances.map((issuance) => ({
          ...issuance,
          identity: this.names.intern(issuance.identity),
          node: this.names.intern(issuance.node),
        }));
        issuances.forEach(({ podUid, identity, serial, notAfter, level, requestId }, index) => {
          const node = records[index]?.node ?? 0;
          const levelId = levelNumber(level);
          sql.exec(UPSERT, podUid, identity, node, serial, at, notAfter, issuerId, bundleVersion, levelId, requestId);
        });
        this.live.raise(issuerId, bundleVersion, latest);
        const packed = packBatch({ at, issuer: issuerId, bundleVersion, records });
        sql.exec('INSERT INTO history VALUES (?, ?, ?)', batch, issuances.length, packed);
      });
    } catch (error) {
      // What was remembered beside the rows may be of rows that were rolled back.
      this.names.forget();
      this.live.forget();
      throw error;
    }
    this.#lastBatch = batch;
    this.#openRecords += issuances.length;
  }

  /** To be called when a run was indexed. */
  closed(records: number): void {
    this.#openRecords -= records;
  }
}

/** Every batch up to this one has its serials indexed. */
export function lastClosedBatch(sql: SqlStorage): number {
  return sql.exec<{ last: number | null }>('SELECT MAX(last_batch) AS last FROM history_runs').one().last ?? 0;
}

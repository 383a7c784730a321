import { fromHex, toHex } from '../../../pki/src/bytes.ts';
import { fail } from '../objects/outcome.ts';
import type { CertificateQuery, LedgerCounts, LedgerRow, Page } from '../objects/rpc.ts';
import { formatCursor, pageLimit, parseCursor } from '../storage/page.ts';
import { levelOf } from './issuance.ts';
import { BATCHES_PER_MS, lastClosedBatch, type Ledger } from './ledger.ts';
import { findInRun, findOpen, type Found } from './serial_index.ts';

type CurrentRow = {
  pod_uid: string;
  identity: string;
  node: number;
  serial: ArrayBuffer;
  issued_at: number;
  not_after: number;
  issuer: number;
  bundle_version: number;
  level: number;
  request_id: string;
};

/** Rows looked at for one page, whatever the filter: a read must not keep the object from issuing. */
const MAX_SCANNED = 5_000;
const MAX_RUNS = 500;
const MAX_COUNTED = 1_000_000;
const HOUR_MS = 3_600_000;

/** Whether a renewal of it would be refused is for the caller to add. */
export type UnmarkedRow = Omit<LedgerRow, 'revoked'>;

/** Pages through the ledger. `current` by identity, by node or whole; `history` by serial. */
export function readCertificates(sql: SqlStorage, ledger: Ledger, query: CertificateQuery): Page<UnmarkedRow> {
  const filters = [query.identity, query.node, query.serial].filter((filter) => filter !== undefined);
  if (filters.length > 1) fail('invalid', 'expected at most one of identity, node and serial');
  if (query.serial !== undefined) return bySerial(sql, ledger, query.serial, query.cursor);
  return query.identity === undefined ? byKey(sql, ledger, query) : byIdentity(sql, ledger, query, query.identity);
}

/** Hour and day are counted by batches; the live rows say until when something under an issuer may be alive. */
export function countCertificates(sql: SqlStorage, ledger: Ledger, now: number): LedgerCounts {
  const current = sql
    .exec<{ count: number }>('SELECT COUNT(*) AS count FROM (SELECT 1 FROM current LIMIT ?)', MAX_COUNTED)
    .one().count;
  return {
    current,
    atLeast: current === MAX_COUNTED,
    issuedLastHour: issuedSince(sql, now - HOUR_MS),
    issuedLastDay: issuedSince(sql, now - 24 * HOUR_MS),
    live: ledger.live.rows(),
  };
}

function byIdentity(sql: SqlStorage, ledger: Ledger, query: CertificateQuery, identity: string): Page<UnmarkedRow> {
  const limit = pageLimit(query);
  const [after] = query.cursor === undefined ? [''] : parseCursor(query.cursor, ['string']);
  const rows = sql
    .exec<CurrentRow>(
      'SELECT * FROM current WHERE identity = ? AND pod_uid > ? ORDER BY pod_uid LIMIT ?',
      identity,
      after,
      limit,
    )
    .toArray();
  const last = rows.at(-1);
  const next = rows.length === limit && last !== undefined ? formatCursor([last.pod_uid]) : null;
  return { rows: rows.map((row) => ledgerRow(ledger, row)), next };
}

function byKey(sql: SqlStorage, ledger: Ledger, query: CertificateQuery): Page<UnmarkedRow> {
  const limit = pageLimit(query);
  const node = query.node === undefined ? null : ledger.names.idOf(query.node);
  if (query.node !== undefined && node === null) return { rows: [], next: null };
  const [podUid, identity] = query.cursor === undefined ? ['', ''] : parseCursor(query.cursor, ['string', 'string']);
  // Of a bounded stretch of the table, the rows of the node. When there are too few, the next page begins after the stretch.
  const rows = sql
    .exec<CurrentRow>(
      `SELECT * FROM (SELECT * FROM current WHERE (pod_uid, identity) > (?1, ?2) ORDER BY pod_uid, identity LIMIT ?3)
       WHERE ?4 IS NULL OR node = ?4 ORDER BY pod_uid, identity LIMIT ?5`,
      podUid,
      identity,
      MAX_SCANNED,
      node,
      limit,
    )
    .toArray();
  const [stretchEnd] = sql
    .exec<Pick<CurrentRow, 'pod_uid' | 'identity'>>(
      `SELECT pod_uid, identity FROM current WHERE (pod_uid, identity) > (?, ?)
       ORDER BY pod_uid, identity LIMIT 1 OFFSET ?`,
      podUid,
      identity,
      MAX_SCANNED - 1,
    )
    .toArray();
  const last = rows.length === limit ? rows.at(-1) : stretchEnd;
  const next = last === undefined ? null : formatCursor([last.pod_uid, last.identity]);
  return { rows: rows.map((row) => ledgerRow(ledger, row)), next };
}

/** The open batches first, then run by run, newest first. A serial has at most one row, so a page with a row is the last. */
function bySerial(sql: SqlStorage, ledger: Ledger, text: string, cursor: string | undefined): Page<UnmarkedRow> {
  if (!/^[0-9a-f]{32}$/.test(text)) fail('invalid', 'a serial has 32 lower-case hexadecimal digits');
  const serial = fromHex(text);
  if (cursor === undefined) {
    const open = findOpen(sql, serial);
    if (open !== null) return { rows: [historyRow(ledger, open)], next: null };
  }
  const [before] = cursor === undefined ? [Number.MAX_SAFE_INTEGER] : parseCursor(cursor, ['number']);
  const runs = sql
    .exec<{ run: number }>('SELECT run FROM history_runs WHERE run < ? ORDER BY run DESC LIMIT ?', before, MAX_RUNS)
    .toArray();
  for (const { run } of runs) {
    const found = findInRun(sql, run, serial);
    if (found !== null) return { rows: [historyRow(ledger, found)], next: null };
  }
  const last = runs.at(-1);
  return { rows: [], next: runs.length === MAX_RUNS && last !== undefined ? formatCursor([last.run]) : null };
}

/** Closed runs say how much is in them; only the run that `since` cuts, and what is still open, is counted by batches. */
function issuedSince(sql: SqlStorage, since: number): number {
  const first = since * BATCHES_PER_MS;
  return sql
    .exec<{ count: number }>(
      `SELECT COALESCE((SELECT SUM(count) FROM history_runs WHERE first_batch >= ?1), 0)
         + COALESCE((SELECT SUM(history.count) FROM history_runs JOIN history ON batch BETWEEN ?1 AND last_batch
             WHERE first_batch < ?1 AND last_batch >= ?1), 0)
         + COALESCE((SELECT SUM(count) FROM history WHERE batch >= ?1 AND batch > ?2), 0) AS count`,
      first,
      lastClosedBatch(sql),
    )
    .one().count;
}

function ledgerRow({ names }: Ledger, row: CurrentRow): UnmarkedRow {
  return {
    serial: toHex(new Uint8Array(row.serial)),
    identity: row.identity,
    podUid: row.pod_uid,
    node: names.textOf(row.node),
    issuedAt: row.issued_at,
    notAfter: row.not_after,
    issuer: names.textOf(row.issuer),
    bundleVersion: row.bundle_version,
    level: levelOf(row.level),
    requestId: row.request_id,
  };
}

function historyRow({ names }: Ledger, { batch, record }: Found): UnmarkedRow {
  return {
    serial: toHex(record.serial),
    identity: names.textOf(record.identity),
    podUid: record.podUid,
    node: names.textOf(record.node),
    issuedAt: batch.at,
    notAfter: record.notAfter,
    issuer: names.textOf(batch.issuer),
    bundleVersion: batch.bundleVersion,
    level: record.level,
    requestId: record.requestId,
  };
}

/** The row of a serial, wherever it stands, or null. */
export function findCertificate(sql: SqlStorage, ledger: Ledger, serial: string): UnmarkedRow | null {
  for (let cursor: string | undefined; ;) {
    const { rows, next } = bySerial(sql, ledger, serial, cursor);
    if (rows[0] !== undefined || next === null) return rows[0] ?? null;
    cursor = next;
  }
}

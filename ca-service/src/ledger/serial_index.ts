import { BATCHES_PER_MS, lastClosedBatch, type Ledger } from './ledger.ts';
import { unpackBatch, type PackedBatch, type PackedRecord } from './packing.ts';

/*
 * Serials are found without an index that every issuance would have to write: when an hour is over (or enough has
 * gathered) its serials are sorted once and stored in rows of 256 entries. An entry is the first 8 octets of the serial,
 * the batch (u56) and the slot in it (u8).
 */

const HOUR_MS = 3_600_000;
const ENTRY_OCTETS = 16;
const PREFIX_OCTETS = 8;
const ENTRIES_PER_ROW = 256;
/** Records sorted at once: about 20 ms in which the object does nothing else. */
export const MAX_RUN_RECORDS = 16_384;

type BatchRow = { batch: number; count: number; records: ArrayBuffer };

/**
 * Indexes the oldest open batches when their hour is over or there are enough of them. Answers whether more is left to
 * do at once.
 */
export function closeRun(storage: DurableObjectStorage, ledger: Ledger, now: number): boolean {
  const { sql } = storage;
  const after = lastClosedBatch(sql);
  const batches: { batch: number; count: number }[] = [];
  let records = 0;
  let full = false;
  let hourEnd = Infinity;
  for (const row of sql.exec<{ batch: number; count: number }>(
    'SELECT batch, count FROM history WHERE batch > ? ORDER BY batch LIMIT ?',
    after,
    MAX_RUN_RECORDS,
  )) {
    if (batches.length === 0) hourEnd = (hourOf(row.batch) + 1) * HOUR_MS;
    if (row.batch >= hourEnd * BATCHES_PER_MS) break;
    if (records + row.count > MAX_RUN_RECORDS) {
      full = true;
      break;
    }
    batches.push(row);
    records += row.count;
  }
  const [first] = batches;
  const last = batches.at(-1);
  if (first === undefined || last === undefined) return false;
  if (!full && hourEnd > now) return false;
  const entries = sortedEntries(sql, first.batch, last.batch, records);
  storage.transactionSync(() => {
    const { run } = sql
      .exec<{ run: number }>(
        'INSERT INTO history_runs (first_batch, last_batch, count) VALUES (?, ?, ?) RETURNING run',
        first.batch,
        last.batch,
        records,
      )
      .one();
    for (let at = 0; at < entries.length; at += ENTRIES_PER_ROW * ENTRY_OCTETS) {
      const row = entries.slice(at, at + ENTRIES_PER_ROW * ENTRY_OCTETS);
      sql.exec('INSERT INTO history_serials VALUES (?, ?, ?)', run, row.slice(0, PREFIX_OCTETS), row);
    }
  });
  ledger.closed(records);
  return true;
}

export interface Found {
  batch: PackedBatch;
  record: PackedRecord;
}

/** A record of a closed run, or null. */
export function findInRun(sql: SqlStorage, run: number, serial: Uint8Array): Found | null {
  const prefix = serial.slice(0, PREFIX_OCTETS);
  // Two serials with the same 64 bits would have to stand on both sides of a row's end to be missed.
  const [row] = sql
    .exec<{
      entries: ArrayBuffer;
    }>('SELECT entries FROM history_serials WHERE run = ? AND first <= ? ORDER BY first DESC LIMIT 1', run, prefix)
    .toArray();
  if (row === undefined) return null;
  const entries = new Uint8Array(row.entries);
  for (let at = 0; at < entries.length; at += ENTRY_OCTETS) {
    if (compare(entries.subarray(at, at + PREFIX_OCTETS), prefix) !== 0) continue;
    const view = new DataView(entries.buffer, at + PREFIX_OCTETS, PREFIX_OCTETS);
    const position = view.getBigUint64(0);
    const found = readRecord(sql, Number(position >> 8n), Number(position & 0xffn), serial);
    if (found !== null) return found;
  }
  return null;
}

/** A record of the batches that no run covers yet, or null. */
export function findOpen(sql: SqlStorage, serial: Uint8Array): Found | null {
  for (const row of sql.exec<BatchRow>('SELECT * FROM history WHERE batch > ?', lastClosedBatch(sql))) {
    const batch = unpackBatch(new Uint8Array(row.records));
    const record = batch.records.find((candidate) => compare(candidate.serial, serial) === 0);
    if (record !== undefined) return { batch, record };
  }
  return null;
}

function readRecord(sql: SqlStorage, batchNumber: number, slot: number, serial: Uint8Array): Found | null {
  const [row] = sql.exec<BatchRow>('SELECT * FROM history WHERE batch = ?', batchNumber).toArray();
  if (row === undefined) return null;
  const batch = unpackBatch(new Uint8Array(row.records));
  const record = batch.records[slot];
  return record !== undefined && compare(record.serial, serial) === 0 ? { batch, record } : null;
}

function sortedEntries(sql: SqlStorage, first: number, last: number, count: number): Uint8Array {
  const keys: { serial: Uint8Array; position: bigint }[] = [];
  for (const row of sql.exec<BatchRow>('SELECT * FROM history WHERE batch BETWEEN ? AND ?', first, last)) {
    unpackBatch(new Uint8Array(row.records)).records.forEach(({ serial }, slot) => {
      keys.push({ serial, position: (BigInt(row.batch) << 8n) | BigInt(slot) });
    });
  }
  keys.sort((a, b) => compare(a.serial, b.serial));
  const entries = new Uint8Array(count * ENTRY_OCTETS);
  const view = new DataView(entries.buffer);
  keys.forEach(({ serial, position }, index) => {
    entries.set(serial.subarray(0, PREFIX_OCTETS), index * ENTRY_OCTETS);
    view.setBigUint64(index * ENTRY_OCTETS + PREFIX_OCTETS, position);
  });
  return entries;
}

function hourOf(batch: number): number {
  return Math.floor(batch / BATCHES_PER_MS / HOUR_MS);
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

import { BATCHES_PER_MS, lastClosedBatch, type Ledger } from './ledger.ts';
import { unpackBatch, type PackedBatch, type PackedRecord } from './packing.ts';

/*
 * Serials are found without an index that every issuance would have to write: when an hour is over (or enough has
 * gathered) its serials are sorted once and stored in rows of 256 entries. An entry is the first 8 octets of the serial,
 * the batch (u56) and the slot in it (u8).
 *
 * Cursors are read to their end, here and in all reads: one that is left half read keeps its table locked.
 */

const HOUR_MS = 3_600_000;
const ENTRY_OCTETS = 16;
const PREFIX_OCTETS = 8;
const ENTRIES_PER_ROW = 256;
/** Records sorted at once: some 20 ms in which the object does nothing else. */
export const MAX_RUN_RECORDS = 8_192;

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
  // One more than a run can take: only a batch that does not fit shows that the run is full.
  const open = sql
    .exec<{
      batch: number;
      count: number;
    }>('SELECT batch, count FROM history WHERE batch > ? ORDER BY batch LIMIT ?', after, MAX_RUN_RECORDS + 1)
    .toArray();
  for (const row of open) {
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
  const view = new DataView(row.entries);
  for (let at = 0; at < entries.length; at += ENTRY_OCTETS) {
    if (compare(entries.subarray(at, at + PREFIX_OCTETS), prefix) !== 0) continue;
    const { batch, slot } = readPosition(view, at + PREFIX_OCTETS);
    const found = readRecord(sql, batch, slot, serial);
    if (found !== null) return found;
  }
  return null;
}

/** A record of the batches that no run covers yet, or null. */
export function findOpen(sql: SqlStorage, serial: Uint8Array): Found | null {
  const rows = sql.exec<BatchRow>('SELECT * FROM history WHERE batch > ?', lastClosedBatch(sql)).toArray();
  for (const row of rows) {
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
  const entries = new Uint8Array(count * ENTRY_OCTETS);
  const view = new DataView(entries.buffer);
  let at = 0;
  for (const row of sql.exec<BatchRow>('SELECT * FROM history WHERE batch BETWEEN ? AND ?', first, last)) {
    for (const [slot, { serial }] of unpackBatch(new Uint8Array(row.records)).records.entries()) {
      entries.set(serial.subarray(0, PREFIX_OCTETS), at);
      writePosition(view, at + PREFIX_OCTETS, row.batch, slot);
      at += ENTRY_OCTETS;
    }
  }
  // Whole entries are compared as two numbers: sorting arrays of octets took five times as long.
  const keys = Array.from({ length: count }, (_, index) => ({
    high: view.getUint32(index * ENTRY_OCTETS),
    low: view.getUint32(index * ENTRY_OCTETS + 4),
    index,
  }));
  keys.sort((a, b) => a.high - b.high || a.low - b.low);
  const sorted = new Uint8Array(entries.length);
  keys.forEach(({ index }, position) => {
    sorted.set(entries.subarray(index * ENTRY_OCTETS, (index + 1) * ENTRY_OCTETS), position * ENTRY_OCTETS);
  });
  return sorted;
}

/** Batch as u56, slot as u8; in two halves, because a batch's number times 256 is no safe integer. */
function writePosition(view: DataView, at: number, batch: number, slot: number): void {
  view.setUint32(at, Math.floor(batch / 2 ** 24));
  view.setUint32(at + 4, (batch % 2 ** 24) * 256 + slot);
}

function readPosition(view: DataView, at: number): { batch: number; slot: number } {
  const low = view.getUint32(at + 4);
  return { batch: view.getUint32(at) * 2 ** 24 + (low >>> 8), slot: low & 0xff };
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

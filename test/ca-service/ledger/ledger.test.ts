import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { toHex } from '../../../pki/src/bytes.ts';
import type { Issuance } from '../../../ca-service/src/ledger/issuance.ts';
import { Ledger } from '../../../ca-service/src/ledger/ledger.ts';
import { countCertificates, readCertificates } from '../../../ca-service/src/ledger/read.ts';
import { closeRun, MAX_RUN_RECORDS } from '../../../ca-service/src/ledger/serial_index.ts';
import { sweepCurrent, sweepLive } from '../../../ca-service/src/ledger/sweep.ts';
import { withStorage } from '../support/storage.ts';

const HOUR = 3_600_000;
const START = Math.floor(1_795_564_800_000 / HOUR) * HOUR;

let drawn = 0;
function issuance(change: Partial<Issuance> = {}): Issuance {
  drawn += 1;
  return {
    serial: crypto.getRandomValues(new Uint8Array(16)),
    identity: `spiffe://example.org/ns/n/sa/s${drawn}`,
    podUid: `pod-${drawn}`,
    node: 'node-a',
    notAfter: START + 24 * HOUR,
    level: 'token',
    requestId: `r${drawn}`,
    ...change,
  };
}

function record(ledger: Ledger, issuances: Issuance[], at = START, bundleVersion = 1): void {
  ledger.record({ at, issuer: 'svid-1', bundleVersion, issuances });
}

describe('live', () => {
  it('is the greatest notAfter, rounded up to the quarter hour, whatever the order', () =>
    withStorage((storage) => {
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 8 }), (seconds) => {
          storage.sql.exec('DELETE FROM live');
          const ledger = new Ledger(storage);
          for (const s of seconds) record(ledger, [issuance({ notAfter: START + s * 1000 })]);
          const greatest = Math.max(...seconds);
          expect(ledger.live.rows()).toEqual([
            { issuer: 'svid-1', bundleVersion: 1, notAfter: START + Math.ceil(greatest / 900) * 900_000 },
          ]);
        }),
        { numRuns: 30 },
      );
    }));

  it('is not lowered by an object that started anew', () =>
    withStorage((storage) => {
      record(new Ledger(storage), [issuance({ notAfter: START + 10 * HOUR })]);
      record(new Ledger(storage), [issuance({ notAfter: START + HOUR })]);
      expect(new Ledger(storage).live.rows()).toMatchObject([{ notAfter: START + 10 * HOUR }]);
    }));

  it('is kept for each bundle version, and dropped when it has passed', () =>
    withStorage((storage) => {
      const ledger = new Ledger(storage);
      record(ledger, [issuance({ notAfter: START + HOUR })], START, 1);
      record(ledger, [issuance({ notAfter: START + 2 * HOUR })], START, 2);
      expect(ledger.live.rows().map(({ bundleVersion }) => bundleVersion)).toEqual([2, 1]);
      sweepLive(storage.sql, START + HOUR + 1);
      expect(ledger.live.rows().map(({ bundleVersion }) => bundleVersion)).toEqual([2]);
    }));
});

describe('history', () => {
  it('numbers batches by time, and still grows when the clock goes back', () =>
    withStorage((storage) => {
      const ledger = new Ledger(storage);
      for (const at of [START, START, START - 5_000, START + 1]) record(ledger, [issuance()], at);
      const batches = storage.sql.exec<{ batch: number }>('SELECT batch FROM history').toArray();
      const first = START * 1024;
      expect(batches.map(({ batch }) => batch - first)).toEqual([0, 1, 2, 1024]);
    }));

  it('finds every serial, before and after its hour is closed', () =>
    withStorage((storage) => {
      const ledger = new Ledger(storage);
      const all = Array.from({ length: 700 }, () => issuance());
      for (let i = 0; i < all.length; i += 50) record(ledger, all.slice(i, i + 50), START + i);
      const find = (serial: Uint8Array): unknown[] =>
        readCertificates(storage.sql, ledger, { serial: toHex(serial) }).rows.map(({ identity }) => identity);
      const check = (): void => {
        for (const { serial, identity } of all) expect(find(serial)).toEqual([identity]);
        expect(find(crypto.getRandomValues(new Uint8Array(16)))).toEqual([]);
      };
      check();
      expect(closeRun(storage, ledger, START + HOUR - 1)).toBe(false);
      expect(ledger.openRecords).toBe(700);
      expect(closeRun(storage, ledger, START + HOUR)).toBe(true);
      expect(closeRun(storage, ledger, START + HOUR)).toBe(false);
      expect(ledger.openRecords).toBe(0);
      expect(new Ledger(storage).openRecords).toBe(0);
      check();
    }));

  it('has runs that never cross an hour, and closes early when much has gathered', () =>
    withStorage((storage) => {
      const ledger = new Ledger(storage);
      const many = Array.from({ length: 64 }, () => issuance());
      record(ledger, [issuance()], START - 1);
      for (let i = 0; i < MAX_RUN_RECORDS / 64 + 1; i++) record(ledger, many, START + i);
      expect(closeRun(storage, ledger, START)).toBe(true);
      expect(closeRun(storage, ledger, START + 1_000)).toBe(true);
      expect(closeRun(storage, ledger, START + 1_000)).toBe(false);
      const counts = storage.sql.exec<{ count: number }>('SELECT count FROM history_runs').toArray();
      expect(counts.map(({ count }) => count)).toEqual([1, MAX_RUN_RECORDS]);
      expect(ledger.openRecords).toBe(64);
    }));

  it('closes early when all that has gathered came one by one', () =>
    withStorage((storage) => {
      const ledger = new Ledger(storage);
      for (let i = 0; i <= MAX_RUN_RECORDS; i++) record(ledger, [issuance({ podUid: 'p', identity: 'i' })], START + i);
      expect(closeRun(storage, ledger, START + HOUR / 2)).toBe(true);
      expect(ledger.openRecords).toBe(1);
    }));

  it('is counted exactly, whichever part of it is closed', () =>
    withStorage((storage) => {
      const ledger = new Ledger(storage);
      for (let hour = 0; hour < 30; hour++) {
        record(ledger, [issuance(), issuance()], START + hour * HOUR);
        record(ledger, [issuance()], START + hour * HOUR + HOUR / 2);
      }
      const now = START + 29 * HOUR + HOUR / 2;
      const expected = { issuedLastHour: 4, issuedLastDay: 73 };
      // From the half hour before: its single, then one whole pair and single after the other.
      expect(countCertificates(storage.sql, ledger, now)).toMatchObject(expected);
      while (closeRun(storage, ledger, now)) {
        expect(countCertificates(storage.sql, ledger, now)).toMatchObject(expected);
      }
      expect(ledger.openRecords).toBe(3);
    }));
});

describe('current', () => {
  it('is paged completely and without repetition, whole and by node', () =>
    withStorage((storage) => {
      const ledger = new Ledger(storage);
      const all = Array.from({ length: 60 }, (_, i) => issuance({ podUid: `p${i % 7}`, node: `node-${i % 3}` }));
      record(ledger, all);
      for (const node of [undefined, 'node-1', 'node-none']) {
        const seen: string[] = [];
        let cursor: string | null = null;
        do {
          const query = { limit: 7, ...(node === undefined ? {} : { node }), ...(cursor === null ? {} : { cursor }) };
          const page = readCertificates(storage.sql, ledger, query);
          seen.push(...page.rows.map(({ identity }) => identity));
          cursor = page.next;
        } while (cursor !== null);
        const expected = all.filter((one) => node === undefined || one.node === node).map(({ identity }) => identity);
        expect(seen.toSorted()).toEqual(expected.toSorted());
      }
    }));

  it('answers who holds an identity, by pages', () =>
    withStorage((storage) => {
      const ledger = new Ledger(storage);
      const identity = 'spiffe://example.org/ns/a/sa/b';
      record(
        ledger,
        Array.from({ length: 5 }, (_, i) => issuance({ identity, podUid: `p${i}` })),
      );
      const one = readCertificates(storage.sql, ledger, { identity, limit: 3 });
      const two = readCertificates(storage.sql, ledger, { identity, limit: 3, cursor: one.next ?? '' });
      expect([...one.rows, ...two.rows].map(({ podUid }) => podUid)).toEqual(['p0', 'p1', 'p2', 'p3', 'p4']);
    }));

  it('is swept of what expired a day ago, slice by slice, and of nothing else', () =>
    withStorage((storage) => {
      const ledger = new Ledger(storage);
      const now = START + 100 * HOUR;
      const all = Array.from({ length: 5_000 }, (_, i) =>
        issuance({ notAfter: i % 2 === 0 ? now - 25 * HOUR : now - 23 * HOUR }),
      );
      for (let i = 0; i < all.length; i += 50) record(ledger, all.slice(i, i + 50));
      let slices = 0;
      let position: Parameters<typeof sweepCurrent>[1] = null;
      do {
        position = sweepCurrent(storage.sql, position, now);
        slices += 1;
      } while (position !== null);
      expect(slices).toBe(3);
      expect(storage.sql.exec('SELECT COUNT(*) AS n, MIN(not_after) AS first FROM current').one()).toEqual({
        n: 2_500,
        first: now - 23 * HOUR,
      });
    }));

  it('is written by a renewal without touching an index', () =>
    withStorage((storage) => {
      const indexes = storage.sql
        .exec<{ sql: string }>(
          `SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'current' AND sql IS NOT NULL`,
        )
        .toArray();
      expect(indexes.map(({ sql }) => sql)).toEqual(['CREATE INDEX current_identity ON current (identity)']);
    }));
});

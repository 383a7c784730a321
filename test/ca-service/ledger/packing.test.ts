import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packBatch, unpackBatch, type PackedBatch } from '../../../ca-service/src/ledger/packing.ts';

const uuid = fc.uuid().map((text) => text.toLowerCase());
const staticPodUid = fc.stringMatching(/^[0-9a-f]{32}$/);
const record = fc.record({
  serial: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  identity: fc.integer({ min: 1, max: 2 ** 40 }),
  podUid: fc.oneof(uuid, staticPodUid, fc.stringMatching(/^[A-Za-z0-9-]{1,64}$/)),
  node: fc.integer({ min: 1, max: 100_000 }),
  notAfter: fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((seconds) => seconds * 1000),
  level: fc.constantFrom('token' as const, 'token+agent' as const, 'agent' as const),
  requestId: fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
});
const batch: fc.Arbitrary<PackedBatch> = fc.record({
  at: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  issuer: fc.integer({ min: 1, max: 2 ** 32 }),
  bundleVersion: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  records: fc.array(record, { minLength: 1, maxLength: 64 }),
});

describe('a packed batch', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(batch, (value) => {
        expect(unpackBatch(packBatch(value))).toEqual(value);
      }),
    );
  });

  it('that is cut anywhere within a record is refused, never read as another', () => {
    fc.assert(
      fc.property(batch, fc.nat(), (value, cut) => {
        const packed = packBatch(value);
        const at = cut % packed.length;
        try {
          const { records } = unpackBatch(packed.subarray(0, at));
          expect(records).toEqual(value.records.slice(0, records.length));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  it('has a fixed form: these bytes are in stores', () => {
    const packed = packBatch({
      at: 1_795_564_800_123,
      issuer: 1,
      bundleVersion: 1_795_564_800_000,
      records: [
        {
          serial: Uint8Array.from({ length: 16 }, (_, index) => index + 1),
          identity: 300,
          podUid: '2f8e0f3a-6d6e-4c1e-9d0a-0d5c1b7a9e11',
          node: 3,
          notAfter: 1_795_651_200_000,
          level: 'token+agent',
          requestId: 'r-1',
        },
      ],
    });
    expect(Array.from(packed, (octet) => octet.toString(16).padStart(2, '0')).join('')).toBe(
      '0101a21000887b0101a21000880001002f8e0f3a6d6e4c1e9d0a0d5c1b7a9e11030102030405060708090a0b0c0d0e0f10ac02006b0776800103722d31',
    );
  });

  it('of a version that is not known is refused', () => {
    expect(() => unpackBatch(Uint8Array.of(2, 0, 0))).toThrow('history has format 2');
  });

  it('needs about 45 octets for a certificate of a node with many', () => {
    const records = Array.from({ length: 32 }, (_, index) => ({
      serial: new Uint8Array(16),
      identity: 1_000 + index,
      podUid: '2f8e0f3a-6d6e-4c1e-9d0a-0d5c1b7a9e11',
      node: 3,
      notAfter: 1_795_651_200_000,
      level: 'token+agent' as const,
      requestId: 'abcdefghijklmnop',
    }));
    const { length } = packBatch({ at: 0, issuer: 1, bundleVersion: 1, records });
    expect(length / 32).toBeLessThan(45);
  });
});

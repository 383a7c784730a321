import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pooledRandom } from '../../../ca-service/src/issuance/random_pool.ts';

describe('pooled random octets', () => {
  it('are the drawn ones, none given twice and none changed later', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 60 }), (lengths) => {
        let drawn = 0;
        // Numbers in place of random octets: four to each.
        const random = pooledRandom((length) => {
          const words = new Uint32Array(Math.ceil(length / 4)).map(() => drawn++);
          return new Uint8Array(words.buffer).slice(0, length);
        });
        const given = lengths.map((length) => random(length));
        const copies = given.map((octets) => octets.slice());
        expect(given.map(({ length }) => length)).toEqual(lengths);
        for (let i = 0; i < 10; i++) random(4_000);
        expect(given).toEqual(copies);
        const ranges = given.map(({ buffer, byteOffset, length }) => ({
          buffer,
          from: byteOffset,
          to: byteOffset + length,
        }));
        const overlaps = ranges.some((a, i) =>
          ranges.some((b, j) => i < j && a.buffer === b.buffer && a.from < b.to && b.from < a.to),
        );
        expect(overlaps).toBe(false);
      }),
      { numRuns: 30 },
    );
  });
});

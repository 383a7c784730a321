import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../pki/src/bytes.ts';
import { decodeOid, encodeOid } from '../../../pki/src/der/oid.ts';
import { DerReader } from '../../../pki/src/der/reader.ts';
import { TAG } from '../../../pki/src/der/tags.ts';
import { PkiError } from '../../../pki/src/errors.ts';

const refusals: [claim: string, run: () => unknown, code: string][] = [
  ['an empty OID', () => decodeOid(new Uint8Array()), 'der-value'],
  ['an OID arc with a leading 80', () => decodeOid(fromHex('2a8001')), 'der-value'],
  ['an OID that ends within an arc', () => decodeOid(fromHex('2a81')), 'der-truncated'],
  ['an OID of 65 octets', () => decodeOid(new Uint8Array(65).fill(1)), 'der-value'],
  ['an OID whose first arc has a leading 80', () => decodeOid(fromHex('802a')), 'der-value'],
];

describe('OBJECT IDENTIFIER', () => {
  it.each(refusals)('refuses %s', (_claim, run, code) => {
    expect(run).toThrow(expect.objectContaining({ code }) as PkiError);
  });

  it('reads big arcs of OIDs without rounding', () => {
    for (const dotted of [
      '2.999.1',
      '1.3.2147483648',
      '2.25.340282366920938463463374607431768211455',
      '1.2.9007199254740993',
    ]) {
      const reader = DerReader.of(encodeOid(dotted));
      expect(decodeOid(reader.content(TAG.oid))).toBe(dotted);
    }
  });

  it('reads what it writes, with arcs of any size', () => {
    const arc = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.tuple(fc.constantFrom(0n, 1n), fc.bigInt({ min: 0n, max: 39n })),
          fc.tuple(fc.constant(2n), fc.bigInt({ min: 0n, max: 1n << 64n })),
        ),
        fc.array(arc, { maxLength: 2 }),
        (head, rest) => {
          const dotted = [...head, ...rest].join('.');
          expect(decodeOid(DerReader.of(encodeOid(dotted)).content(TAG.oid))).toBe(dotted);
        },
      ),
    );
  });

  it('reads no two contents as the same OID', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (content) => {
        let dotted: string;
        try {
          dotted = decodeOid(content);
        } catch (error) {
          expect(error).toBeInstanceOf(PkiError);
          return;
        }
        expect(toHex(DerReader.of(encodeOid(dotted)).content(TAG.oid))).toBe(toHex(content));
      }),
    );
  });
});

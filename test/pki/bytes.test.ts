import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  concat,
  equal,
  fromBase64,
  fromBase64Url,
  fromHex,
  fromUtf8,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from '../../pki/src/bytes.ts';
import type { PkiError } from '../../pki/src/errors.ts';

const refusal = expect.objectContaining({ code: 'bytes-encoding' }) as PkiError;

describe('bytes', () => {
  it('encodes as Node does, and reads back what it encodes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const buffer = Buffer.from(bytes);
        expect(toBase64(bytes)).toBe(buffer.toString('base64'));
        expect(toBase64Url(bytes)).toBe(buffer.toString('base64url'));
        expect(toHex(bytes)).toBe(buffer.toString('hex'));
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
        expect(fromHex(toHex(bytes))).toEqual(bytes);
      }),
    );
  });

  it.each(['A', 'AA', 'AAA', 'AA=A', '====', 'AB==', 'AAB=', 'AA==\n', 'A A=', 'AA-_', 'ÄAAA'])(
    'refuses %j as base64',
    (text) => {
      expect(() => fromBase64(text)).toThrow(refusal);
    },
  );

  it.each(['A', 'AB', 'AAB', 'AA==', 'AA+/', 'AA\n'])('refuses %j as base64url', (text) => {
    expect(() => fromBase64Url(text)).toThrow(refusal);
  });

  it('reads no two texts as the same bytes', () => {
    const characters = fc.constantFrom(...'AQgw09+/-_= \n\t'.split(''));
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 12 }), (text) => {
        for (const [decode, encode] of [
          [fromBase64, toBase64],
          [fromBase64Url, toBase64Url],
        ] as const) {
          let bytes: Uint8Array;
          try {
            bytes = decode(text);
          } catch (error) {
            expect(error).toEqual(refusal);
            continue;
          }
          expect(encode(bytes)).toBe(text);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it.each(['a', 'ag', '0x', ' 00 '])('refuses %j as hexadecimal', (text) => {
    expect(() => fromHex(text)).toThrow(refusal);
  });

  it('refuses what is not UTF-8, and keeps a byte order mark', () => {
    expect(() => fromUtf8(Uint8Array.of(0xc0, 0x80))).toThrow(refusal);
    expect(fromUtf8(utf8('\uFEFFx'))).toBe('\uFEFFx');
  });

  it('joins and compares', () => {
    expect(concat(Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3))).toEqual(Uint8Array.of(1, 2, 3));
    expect(equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(equal(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(equal(Uint8Array.of(1), Uint8Array.of(1, 2))).toBe(false);
  });
});

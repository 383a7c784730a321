import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../../pki/src/bytes.ts';
import { decodeTime, encodeTime } from '../../../pki/src/certificate/time.ts';

const UTC = 0x17;
const GENERALIZED = 0x18;
const FIRST = Date.UTC(1950, 0, 1) / 1000;
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;

const text = (element: Uint8Array): string => fromUtf8(element.subarray(2));
const decode = (tag: number, content: string): number => decodeTime(tag, utf8(content));

describe('times', () => {
  it('every whole second from 1950 to 9999 reads back', () => {
    fc.assert(
      fc.property(fc.integer({ min: FIRST, max: LAST }), (second) => {
        const element = encodeTime(second * 1000);
        expect(decodeTime(element[0] ?? 0, element.subarray(2))).toBe(second * 1000);
      }),
    );
  });

  it('UTCTime ends with 2049 and GeneralizedTime begins with 2050', () => {
    expect(text(encodeTime(Date.UTC(2049, 11, 31, 23, 59, 59)))).toBe('491231235959Z');
    expect(text(encodeTime(Date.UTC(2050, 0, 1)))).toBe('20500101000000Z');
    expect(text(encodeTime(Date.UTC(1950, 0, 1)))).toBe('500101000000Z');
    expect(decode(UTC, '500101000000Z')).toBe(Date.UTC(1950, 0, 1));
  });

  it('the first and the last second of each form are read', () => {
    expect(decode(GENERALIZED, '20500101000000Z')).toBe(Date.UTC(2050, 0, 1));
    expect(decode(UTC, '491231235959Z')).toBe(Date.UTC(2050, 0, 1) - 1000);
  });

  it('only digits are read as digits, at every place', () => {
    const octet = fc.integer({ min: 0, max: 255 }).filter((value) => value < 0x30 || value > 0x39);
    fc.assert(
      fc.property(fc.constantFrom('260101000000Z', '491231111111Z'), fc.nat(11), octet, (good, at, value) => {
        const content = utf8(good);
        content[at] = value;
        expect(() => decodeTime(UTC, content)).toThrow(expect.objectContaining({ code: 'certificate-time' }));
      }),
      { numRuns: 2000 },
    );
  });

  it('the end of time of RFC 5280 §4.1.2.5 is read', () => {
    expect(decode(GENERALIZED, '99991231235959Z')).toBe(LAST * 1000);
  });

  it.each([
    ['no seconds', UTC, '2601010000Z'],
    ['an offset', UTC, '260101000000+0100'],
    ['no Z', UTC, '260101000000'],
    ['a small z', UTC, '260101000000z'],
    ['a fraction', GENERALIZED, '20600101000000.5Z'],
    ['a letter', UTC, '2601010000x0Z'],
    ['a space', UTC, '2601010000 0Z'],
    ['month 13', UTC, '261301000000Z'],
    ['month 0', UTC, '260001000000Z'],
    ['30 February', UTC, '260230000000Z'],
    ['29 February of a common year', UTC, '260229000000Z'],
    ['hour 24', UTC, '260101240000Z'],
    ['minute 60', UTC, '260101006000Z'],
    ['second 60', UTC, '260101000060Z'],
    ['GeneralizedTime before 2050', GENERALIZED, '20260101000000Z'],
    ['the year 0', GENERALIZED, '00000101000000Z'],
    ['UTCTime under the other tag', GENERALIZED, '260101000000Z'],
    ['GeneralizedTime under the other tag', UTC, '20600101000000Z'],
    ['nothing', UTC, ''],
    ['another tag', 0x16, '260101000000Z'],
  ])('a time with %s is refused', (_, tag, content) => {
    expect(() => decode(tag, content)).toThrow(expect.objectContaining({ code: 'certificate-time' }));
  });

  it.each([0.5, 1001, Number.NaN, Date.UTC(1949, 11, 31), Date.UTC(10_000, 0, 1)])('%d ms cannot be written', (ms) => {
    expect(() => encodeTime(ms)).toThrow(expect.objectContaining({ code: 'certificate-time' }));
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../pki/src/bytes.ts';
import { decodeOid, encodeOid } from '../../../pki/src/der/oid.ts';
import { DerReader } from '../../../pki/src/der/reader.ts';
import { TAG } from '../../../pki/src/der/tags.ts';
import { namedBits, sequence, tlv, unsignedInteger } from '../../../pki/src/der/writer.ts';
import { PkiError } from '../../../pki/src/errors.ts';

const refusal = (code: string): PkiError => expect.objectContaining({ code }) as PkiError;
const of = (hex: string): DerReader => DerReader.of(fromHex(hex));

const refusals: [claim: string, run: () => unknown, code: string][] = [
  ['nothing where an element is needed', () => of('').element(TAG.sequence), 'der-truncated'],
  ['a tag without a length', () => of('30').element(TAG.sequence), 'der-truncated'],
  ['another tag', () => of('3100').element(TAG.sequence), 'der-tag'],
  ['a high tag number', () => of('1f8101').anyElement(), 'der-tag'],
  ['an indefinite length', () => of('30800000').element(TAG.sequence), 'der-length'],
  ['a long form where the short one fits', () => of('30810100').element(TAG.sequence), 'der-length'],
  ['a long form with a leading zero', () => of('3082000100').element(TAG.sequence), 'der-length'],
  ['a length of four octets', () => of('308400000001ff').element(TAG.sequence), 'der-length'],
  ['a reserved length octet', () => of('30ff').element(TAG.sequence), 'der-length'],
  ['a length cut off', () => of('3082ff').element(TAG.sequence), 'der-truncated'],
  ['content cut off', () => of('300201').element(TAG.sequence), 'der-truncated'],
  [
    'an inner element longer than its outer',
    () => of('30030405000102').enter(TAG.sequence).content(TAG.octetString),
    'der-truncated',
  ],
  ['bytes left over', () => of('050000').end('the test'), 'der-trailing'],
  ['a BOOLEAN of 01', () => of('010101').boolean(), 'der-value'],
  ['a BOOLEAN of two octets', () => of('0102ffff').boolean(), 'der-value'],
  ['an empty INTEGER', () => of('0200').integer(), 'der-value'],
  ['an INTEGER with a spare zero', () => of('02020001').integer(), 'der-value'],
  ['an INTEGER with a spare FF', () => of('0202ff80').integer(), 'der-value'],
  ['a negative number where a small one is expected', () => of('0201ff').smallInteger(), 'der-value'],
  ['an empty BIT STRING', () => of('0300').octetAlignedBits(), 'der-value'],
  ['a BIT STRING with unused bits as a key', () => of('030207ff').octetAlignedBits(), 'der-value'],
  ['named bits with trailing zero bits', () => of('03020080').namedBits(), 'der-value'],
  ['named bits with a set unused bit', () => of('030207ff').namedBits(), 'der-value'],
  ['named bits with eight unused', () => of('030208ff').namedBits(), 'der-value'],
  ['an empty OID', () => decodeOid(new Uint8Array()), 'der-value'],
  ['an OID arc with a leading 80', () => decodeOid(fromHex('2a8001')), 'der-value'],
  ['an OID that ends within an arc', () => decodeOid(fromHex('2a81')), 'der-truncated'],
  ['an OID of 65 octets', () => decodeOid(new Uint8Array(65).fill(1)), 'der-value'],
  ['64 KiB and a byte', () => DerReader.of(new Uint8Array(64 * 1024 + 1)), 'der-size'],
];

describe('DerReader', () => {
  it.each(refusals)('refuses %s', (_claim, run, code) => {
    expect(run).toThrow(refusal(code));
  });

  it('refuses to nest deeper than any certificate does, long before the stack ends', () => {
    let bomb: Uint8Array = sequence();
    for (let i = 0; i < 2000; i++) bomb = sequence(bomb);
    let reader = DerReader.of(bomb);
    expect(() => {
      for (;;) reader = reader.enter(TAG.sequence);
    }).toThrow(refusal('der-depth'));
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

  it('reads the lengths it writes, of every size', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_000]) {
      const der = tlv(TAG.octetString, new Uint8Array(length));
      expect(DerReader.of(der).content(TAG.octetString).length).toBe(length);
    }
  });

  it('reads the integers and the named bits it writes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 0x1ff }),
        (magnitude, mask) => {
          const content = DerReader.of(unsignedInteger(magnitude)).integer();
          expect(BigInt(`0x${toHex(content)}`)).toBe(BigInt(`0x${toHex(magnitude)}`));
          expect(DerReader.of(namedBits(mask)).namedBits()).toBe(mask);
        },
      ),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../pki/src/bytes.ts';
import { DerReader } from '../../../pki/src/der/reader.ts';
import { TAG } from '../../../pki/src/der/tags.ts';
import { sequence } from '../../../pki/src/der/writer.ts';
import type { PkiError } from '../../../pki/src/errors.ts';

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
  ['two octets of length where one fits', () => of(`30820080${'00'.repeat(128)}`).element(TAG.sequence), 'der-length'],
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
});

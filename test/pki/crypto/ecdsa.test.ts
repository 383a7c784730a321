import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../pki/src/bytes.ts';
import { ecdsaDerToRaw, ecdsaRawToDer } from '../../../pki/src/crypto/ecdsa.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { PkiError } from '../../../pki/src/errors.ts';

const refusals: [claim: string, hex: string][] = [
  ['an r of zero', '3006020100020101'],
  ['an s of zero', '3006020101020100'],
  ['a negative r', '3006020181020101'],
  ['an integer that is not minimal', '300702020001020101'],
  ['an r of 33 octets', `302602217f${'01'.repeat(32)}020101`],
  ['an r without content', '30050200020101'],
  ['a third integer', '3009020101020101020101'],
  ['bytes after it', '30060201010201010500'],
  ['one integer', '3003020101'],
  ['another tag', '3106020101020101'],
  ['a length in the long form', '308106020101020101'],
];

describe('ECDSA signatures', () => {
  it.each(refusals)('with %s are refused', (_claim, hex) => {
    expect(() => ecdsaDerToRaw(fromHex(hex), 32)).toThrow(PkiError);
  });

  it('survive the change of form, short integers included', () => {
    const octets = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((each) => each.some((octet) => octet !== 0));
    const short = octets.map((each) => each.fill(0, 0, 20)).filter((each) => each.some((octet) => octet !== 0));
    fc.assert(
      fc.property(fc.oneof(octets, short), fc.oneof(octets, short), (r, s) => {
        const raw = toHex(r) + toHex(s);
        expect(toHex(ecdsaDerToRaw(ecdsaRawToDer(fromHex(raw)), 32))).toBe(raw);
      }),
    );
  });

  it('are written as OpenSSL writes them', () => {
    for (const [type, size] of [
      ['ec-p256', 32],
      ['ec-p384', 48],
    ] as const) {
      const key = generateNodeKey(type);
      for (let i = 0; i < 100; i++) {
        const der = key.sign(Uint8Array.of(i));
        expect(toHex(ecdsaRawToDer(ecdsaDerToRaw(der, size)))).toBe(toHex(der));
      }
    }
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../pki/src/bytes.ts';
import { DerReader } from '../../../pki/src/der/reader.ts';
import { TAG } from '../../../pki/src/der/tags.ts';
import { namedBits, tlv, unsignedInteger } from '../../../pki/src/der/writer.ts';

describe('DerReader', () => {
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

import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { PkiError } from '../../pki/src/errors.ts';
import { parsePublicKey } from '../../pki/src/public_key.ts';
import { isRoca } from '../../pki/src/roca.ts';
import { bits, integer, oid, sequence, der } from '../support/der.ts';
import { rocaModulus } from './roca.ts';

describe('a modulus made by a faulty chip', () => {
  it('is seen, and sound ones are not taken for one', () => {
    expect(isRoca(rocaModulus())).toBe(true);
    const sound = Array.from({ length: 3 }, () => {
      const { n } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
      return isRoca(Buffer.from(n ?? '', 'base64url'));
    });
    expect(sound).toEqual([false, false, false]);
    const next = rocaModulus();
    next[next.length - 1] = (next.at(-1) as number) ^ 2;
    expect(isRoca(next)).toBe(false);
  });

  it('is refused as the public key of a CSR or certificate', () => {
    const key = sequence(integer(rocaModulus()), integer(Uint8Array.of(1, 0, 1)));
    const spki = sequence(sequence(oid('1.2.840.113549.1.1.1'), der(0x05)), bits(key));
    expect(() => parsePublicKey(spki)).toThrow(expect.objectContaining({ code: 'key-weak' }) as PkiError);
  });
});

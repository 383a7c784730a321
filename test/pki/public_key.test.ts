import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat } from '../../pki/src/bytes.ts';
import { generateNodeKey } from '../../pki/src/crypto/node.ts';
import { PkiError } from '../../pki/src/errors.ts';
import { parsePublicKey } from '../../pki/src/public_key.ts';
import { keyRefusals } from './csr/refused_keys.ts';

const types = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;
const keys = types.map((type) => [type, generateNodeKey(type).spki] as const);
const refusedKeys = keyRefusals.flatMap(([claim, { spki }, code]) =>
  spki !== undefined && code.startsWith('key-') ? [[claim, spki, code] as const] : [],
);

describe('parsePublicKey', () => {
  it('reads what OpenSSL writes of each type', () => {
    expect(keys.map(([, spki]) => parsePublicKey(spki))).toEqual([
      { kind: 'ec', curve: 'P-256' },
      { kind: 'ec', curve: 'P-384' },
      { kind: 'rsa', bits: 2048, exponent: 65537n },
      { kind: 'rsa', bits: 3072, exponent: 65537n },
      { kind: 'rsa', bits: 4096, exponent: 65537n },
    ]);
  });

  it('takes RSA of sizes between, as FIPS 186-5 and Go do', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2056, publicExponent: 0x10003 });
    const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
    expect(parsePublicKey(spki)).toEqual({ kind: 'rsa', bits: 2056, exponent: 0x10003n });
  });

  it.each(refusedKeys)('refuses %s', (_claim, spki, code) => {
    expect(() => parsePublicKey(spki)).toThrow(expect.objectContaining({ code }) as PkiError);
  });

  it.each(keys)('refuses a %s key that is cut at any byte or has one after it', (_type, spki) => {
    for (let length = 0; length < spki.length; length++) {
      expect(() => parsePublicKey(spki.subarray(0, length)), `cut at ${length}`).toThrow(PkiError);
    }
    expect(() => parsePublicKey(concat(spki, Uint8Array.of(0)))).toThrow(PkiError);
  });

  it('takes nothing that OpenSSL reads as another kind of key', () => {
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.nat(40), fc.integer({ min: 1, max: 255 }), ([, spki], at, flip) => {
        const altered = Uint8Array.from(spki);
        altered[at] = (altered[at] ?? 0) ^ flip;
        let info;
        try {
          info = parsePublicKey(altered);
        } catch (error) {
          expect(error).toBeInstanceOf(PkiError);
          return;
        }
        let theirs;
        try {
          theirs = createPublicKey({ key: Buffer.from(altered), format: 'der', type: 'spki' });
        } catch {
          return; // a point that is not on its curve
        }
        expect(theirs.asymmetricKeyType).toBe(info.kind);
        if (info.kind === 'rsa') expect(theirs.asymmetricKeyDetails?.modulusLength).toBe(info.bits);
      }),
    );
  });
});

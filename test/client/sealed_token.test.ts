import { CompactEncrypt } from 'jose';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EvidencePrivateKey,
  MAX_SEALED_TOKEN,
  openToken,
  sealToken,
} from '../../ca-service/src/client/sealed_token.ts';
import { utf8 } from '../../pki/src/bytes.ts';

async function evidenceKey(kid: string): Promise<EvidencePrivateKey> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
  const { x = '', y = '', d = '' } = await crypto.subtle.exportKey('jwk', pair.privateKey);
  return { kid, privateJwk: { kty: 'EC', crv: 'P-256', x, y, d } };
}

function publicOf({ kid, privateJwk: { x, y } }: EvidencePrivateKey) {
  return { kid, jwk: { kty: 'EC', crv: 'P-256', x, y } as const };
}

const key = await evidenceKey('e1');
const token = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln';
const sealed = await sealToken(token, publicOf(key));

describe('a sealed token', () => {
  it('opens with the key it was sealed to', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, unit: 'grapheme' }), async (text) => {
        const back = await openToken(await sealToken(text, publicOf(key)), key);
        // Lone surrogates do not survive UTF-8; a JWT has none.
        expect(utf8(back)).toEqual(utf8(text));
      }),
      { numRuns: 30 },
    );
  });

  it('is another text each time', async () => {
    expect(await sealToken(token, publicOf(key))).not.toBe(sealed);
  });

  it('does not contain the token', () => {
    expect(sealed).not.toContain('eyJzdWIiOiJhIn0');
  });

  const refused = { code: 'token-unsealable' };

  it('does not open with another key of the same id', async () => {
    await expect(openToken(sealed, await evidenceKey('e1'))).rejects.toMatchObject(refused);
  });

  it('sealed to a key of another id is not tried', async () => {
    await expect(openToken(sealed, { ...key, kid: 'e2' })).rejects.toMatchObject(refused);
  });

  it('altered in any part does not open', async () => {
    const parts = sealed.split('.');
    for (const [index, part] of parts.entries()) {
      const other = part === '' ? 'AAAA' : (part.startsWith('A') ? 'B' : 'A') + part.slice(1);
      const altered = parts.with(index, other).join('.');
      await expect(openToken(altered, key), `part ${index}`).rejects.toMatchObject(refused);
    }
  });

  it('longer than the limit is refused unread', async () => {
    await expect(openToken('A'.repeat(MAX_SEALED_TOKEN + 1), key)).rejects.toMatchObject(refused);
  });

  it.each([
    ['no JWE', token],
    ['an empty text', ''],
    ['a token that was not sealed', 'a.b.c.d.e'],
  ])('%s does not open', async (_, text) => {
    await expect(openToken(text, key)).rejects.toMatchObject(refused);
  });

  it.each([
    ['another content encryption', { alg: 'ECDH-ES', enc: 'A128GCM', kid: 'e1' }],
    ['another key agreement', { alg: 'ECDH-ES+A256KW', enc: 'A256GCM', kid: 'e1' }],
    ['a further header member', { alg: 'ECDH-ES', enc: 'A256GCM', kid: 'e1', cty: 'JWT' }],
    ['no key id', { alg: 'ECDH-ES', enc: 'A256GCM' }],
  ])('%s does not open', async (_, header) => {
    const other = await new CompactEncrypt(utf8(token)).setProtectedHeader(header).encrypt(publicOf(key).jwk);
    await expect(openToken(other, key)).rejects.toMatchObject(refused);
  });
});

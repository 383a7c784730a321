import { describe, expect, it } from 'vitest';
import { checkContentDigest, contentDigest } from '../../ca-service/src/client/content_digest.ts';
import { nodeCrypto } from '../../pki/src/crypto/node.ts';
import { utf8 } from '../../pki/src/bytes.ts';

const crypto = nodeCrypto();

describe('content-digest', () => {
  it('is the digest that RFC 9530 appendix D gives for its example', async () => {
    const body = utf8('{"hello": "world"}\n');
    expect(await contentDigest(crypto, body)).toBe('sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:');
  });

  it('of a body is accepted for that body', async () => {
    const body = utf8('{"version":1}');
    await expect(checkContentDigest(crypto, await contentDigest(crypto, body), body)).resolves.toBeUndefined();
  });

  it('of another body is refused', async () => {
    const header = await contentDigest(crypto, utf8('{"version":1}'));
    await expect(checkContentDigest(crypto, header, utf8('{"version":2}'))).rejects.toMatchObject({
      code: 'digest-mismatch',
    });
  });

  const empty = 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:';
  it.each([
    ['a missing one', null],
    ['an empty one', ''],
    ['another algorithm', 'sha-512=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'],
    ['two of them', `${empty}, ${empty}`],
    ['a second algorithm beside it', `${empty}, sha-512=:AAAA:`],
    ['parameters', `${empty};a=1`],
    ['white space around it', ` ${empty}`],
    ['base64url', 'sha-256=:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=:'],
    ['no padding', 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU:'],
    ['upper case', empty.replace('sha-256', 'SHA-256')],
  ])('%s is refused', async (_, header) => {
    await expect(checkContentDigest(crypto, header, new Uint8Array())).rejects.toMatchObject({
      code: 'digest-malformed',
    });
  });

  it('with stray bits at its end is not the digest', async () => {
    const stray = empty.replace('FU=', 'FV=');
    await expect(checkContentDigest(crypto, stray, new Uint8Array())).rejects.toMatchObject({
      code: 'digest-mismatch',
    });
  });
});

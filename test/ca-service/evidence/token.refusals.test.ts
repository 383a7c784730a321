import { SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { toBase64Url, utf8 } from '../../../pki/src/bytes.ts';
import { MAX_TOKEN, verifyToken } from '../../../ca-service/src/evidence/token.ts';
import { VerificationKeys } from '../../../ca-service/src/evidence/verification_keys.ts';
import { claimsOf, ISSUER, keySet, sign, tokenSigner } from '../support/tokens.ts';

const pod = { namespace: 'bookinfo', serviceAccount: 'web', name: 'web-1', uid: 'u-1', node: 'node-a' };
const signer = await tokenSigner();
const rsa = await tokenSigner('RS256', 'rsa');
const keys = new VerificationKeys([keySet(signer, rsa)]);
const claims = claimsOf(pod, ['istio-ca'], 1_000);
const good = await sign(signer, claims);
const invalid = { code: 'token-invalid' };

const part = (value: unknown) => toBase64Url(utf8(typeof value === 'string' ? value : JSON.stringify(value)));
const without = (name: string) => Object.fromEntries(Object.entries(claims).filter(([claim]) => claim !== name));
const kubernetes = claims['kubernetes.io'] as Record<string, unknown>;

/** A private key's own header and the signature over it, for headers that jose would not write. */
async function signedBy(header: object, payload: object = claims): Promise<string> {
  const input = `${part(header)}.${part(payload)}`;
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, signer.privateKey, utf8(input));
  return `${input}.${toBase64Url(new Uint8Array(signature))}`;
}

describe('a token is refused for its signature', () => {
  it('if it has none (alg none)', async () => {
    const unsecured = new UnsecuredJWT(claims).encode();
    for (const token of [unsecured, `${unsecured}AA`, `${part({ alg: 'none', kid: 'k1' })}.${part(claims)}.AA`]) {
      await expect(verifyToken(token, keys)).rejects.toMatchObject(invalid);
    }
  });

  it('if it is an HMAC keyed with the public key', async () => {
    for (const text of [JSON.stringify(signer.jwk), signer.jwk.x ?? '', rsa.jwk.n ?? '']) {
      const hmac = await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
        .sign(utf8(text.padEnd(32)));
      await expect(verifyToken(hmac, keys)).rejects.toMatchObject(invalid);
    }
  });

  it('if its alg is another one than the key is for', async () => {
    for (const alg of ['ES384', 'RS256', 'PS256', 'EdDSA', 'es256', 'constructor', '']) {
      await expect(verifyToken(await signedBy({ alg, kid: 'k1' }), keys), alg).rejects.toMatchObject(invalid);
    }
  });

  it('if it is by another key of the same kid, as of another cluster', async () => {
    const other = await tokenSigner();
    await expect(verifyToken(await sign(other, claims), keys)).rejects.toMatchObject(invalid);
  });

  it('if it is by an enrolled key of another issuer', async () => {
    const other = await tokenSigner('ES256', 'k1', 'https://other.example');
    const both = new VerificationKeys([keySet(signer), keySet(other)]);
    await expect(verifyToken(await sign(other, claims), both)).rejects.toMatchObject(invalid);
    await expect(verifyToken(await sign(signer, { ...claims, iss: other.issuer }), both)).rejects.toMatchObject(
      invalid,
    );
  });

  it.each(['../k1', '/dev/null', 'k1\u0000', 'K1', "k1' OR 1=1", ''])('if its kid is %j', async (kid) => {
    await expect(verifyToken(await signedBy({ alg: 'ES256', kid }), keys)).rejects.toMatchObject(invalid);
  });

  it.each([
    ['jku', 'https://attacker.example/jwks'],
    ['x5u', 'https://attacker.example/cert'],
    ['jwk', signer.jwk],
    ['x5c', ['AAAA']],
    ['crit', ['exp']],
    ['b64', false],
    ['zip', 'DEF'],
  ])('if its header has %s, even when it is otherwise right', async (member, value) => {
    const token = await signedBy({ alg: 'ES256', kid: 'k1', [member]: value });
    await expect(verifyToken(token, keys)).rejects.toMatchObject(invalid);
  });

  it('if any of its characters is changed', async () => {
    for (let index = 0; index < good.length - 1; index += 7) {
      const other = good[index] === 'A' ? 'B' : 'A';
      if (good[index] === '.') continue;
      const changed = good.slice(0, index) + other + good.slice(index + 1);
      await expect(verifyToken(changed, keys), `at ${index}`).rejects.toMatchObject(invalid);
    }
  });
});

describe('a token is refused for its claims', () => {
  it.each([
    ['no iss', without('iss')],
    ['another iss', { ...claims, iss: 'https://attacker.example' }],
    ['an iss with a slash more', { ...claims, iss: `${ISSUER}/` }],
    ['no exp', without('exp')],
    ['an exp that is text', { ...claims, exp: '9999999999' }],
    ['an exp without end', { ...claims, exp: 1e300 }],
    ['a negative exp', { ...claims, exp: -1 }],
    ['an nbf that is text', { ...claims, nbf: '0' }],
    ['no aud', without('aud')],
    ['an empty aud', { ...claims, aud: [] }],
    ['an aud with a number', { ...claims, aud: ['istio-ca', 1] }],
    ['an aud that is an object', { ...claims, aud: { 0: 'istio-ca' } }],
    ['no sub', without('sub')],
    ['a sub of three segments', { ...claims, sub: 'system:serviceaccount:bookinfo' }],
    ['a sub of five segments', { ...claims, sub: 'system:serviceaccount:bookinfo:web:x' }],
    ['a sub of another kind', { ...claims, sub: 'system:node:bookinfo:web' }],
    ['a sub in upper case', { ...claims, sub: 'System:serviceaccount:bookinfo:web' }],
    ['a sub of another namespace', { ...claims, sub: 'system:serviceaccount:kube-system:web' }],
    ['a sub of another account', { ...claims, sub: 'system:serviceaccount:bookinfo:admin' }],
    ['a sub that is an array', { ...claims, sub: ['system:serviceaccount:bookinfo:web'] }],
    ['no kubernetes.io', without('kubernetes.io')],
    ['a kubernetes.io that is text', { ...claims, 'kubernetes.io': 'bookinfo' }],
    ['no service account', { ...claims, 'kubernetes.io': { namespace: 'bookinfo' } }],
    ['a pod without a uid', { ...claims, 'kubernetes.io': { ...kubernetes, pod: { name: 'web-1' } } }],
    ['a pod that is null', { ...claims, 'kubernetes.io': { ...kubernetes, pod: null } }],
    ['a node without a name', { ...claims, 'kubernetes.io': { ...kubernetes, node: {} } }],
  ])('%s', async (_, payload) => {
    await expect(verifyToken(await sign(signer, payload), keys)).rejects.toMatchObject(invalid);
  });

  it.each(['*', 'a/b', 'a b', 'Bookinfo', 'a..b', '%62ookinfo', 'bookinfö', '', 'a'.repeat(64)])(
    'a namespace %j that no namespace can have',
    async (namespace) => {
      const payload = {
        ...claims,
        sub: `system:serviceaccount:${namespace}:web`,
        'kubernetes.io': { ...kubernetes, namespace },
      };
      await expect(verifyToken(await sign(signer, payload), keys)).rejects.toMatchObject(invalid);
    },
  );
});

describe('a token is refused for its form', () => {
  it.each([
    ['an empty text', ''],
    ['two parts', good.split('.').slice(0, 2).join('.')],
    ['four parts', `${good}.AA`],
    ['five parts, as a JWE has', `${good}.AA.AA`],
    ['white space', `${good} `],
    ['padding', `${good}=`],
    ['the JSON serialization', JSON.stringify({ payload: 'a', signature: 'b', protected: 'c' })],
    ['a header that is no JSON', `AAAA.${part(claims)}.AAAA`],
    ['a header that is an array', `${part('[]')}.${part(claims)}.AAAA`],
    ['claims that are no object', `${part({ alg: 'ES256', kid: 'k1' })}.${part('"x"')}.AAAA`],
    ['a length beyond any token', `${good.split('.')[0] ?? ''}.${'A'.repeat(MAX_TOKEN)}.AA`],
  ])('%s', async (_, token) => {
    await expect(verifyToken(token, keys)).rejects.toMatchObject(invalid);
  });

  it('and the reason never repeats the token', async () => {
    const other = await sign(await tokenSigner(), claims);
    const error: unknown = await verifyToken(other, keys).catch((cause: unknown) => cause);
    expect(String(error)).not.toContain(other.slice(0, 20));
  });
});

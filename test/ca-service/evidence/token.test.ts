import { describe, expect, it } from 'vitest';
import { checkTimes, verifyToken } from '../../../ca-service/src/evidence/token.ts';
import { VerificationKeys } from '../../../ca-service/src/evidence/verification_keys.ts';
import { claimsOf, ISSUER, keySet, sign, tokenSigner } from '../support/tokens.ts';

const pod = { namespace: 'bookinfo', serviceAccount: 'web.v1', name: 'web-1', uid: 'u-1', node: 'node-a' };
const signer = await tokenSigner();
const keys = new VerificationKeys([keySet(signer)]);
const claims = claimsOf(pod, ['istio-ca', 'other'], 1_000);

describe('a service-account token', () => {
  it('of an enrolled key is taken for what it states', async () => {
    expect(await verifyToken(await sign(signer, claims), keys)).toEqual({
      issuer: ISSUER,
      audiences: ['istio-ca', 'other'],
      namespace: 'bookinfo',
      serviceAccount: 'web.v1',
      pod: { name: 'web-1', uid: 'u-1' },
      node: 'node-a',
      expiresAt: 1_600_000,
      notBefore: 1_000_000,
      issuedAt: 1_000_000,
    });
  });

  it.each(['ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512'])('may be signed with %s', async (alg) => {
    const other = await tokenSigner(alg);
    const facts = await verifyToken(await sign(other, claims), new VerificationKeys([keySet(other)]));
    expect(facts.namespace).toBe('bookinfo');
  });

  it('without pod, node, iat and nbf says nothing of them', async () => {
    const { iat: _, nbf: __, ...rest } = claims;
    const bare = { ...rest, 'kubernetes.io': { namespace: 'bookinfo', serviceaccount: { name: 'web.v1' } } };
    expect(await verifyToken(await sign(signer, bare), keys)).toMatchObject({ pod: null, node: null, notBefore: 0 });
  });

  it('may have its audience as one text', async () => {
    const facts = await verifyToken(await sign(signer, { ...claims, aud: 'istio-ca' }), keys);
    expect(facts.audiences).toEqual(['istio-ca']);
  });

  it('is verified by the key of its kid among several, and by trying where it has none', async () => {
    const second = await tokenSigner('ES256', 'k2');
    const both = new VerificationKeys([keySet(signer, second)]);
    await expect(verifyToken(await sign(second, claims), both)).resolves.toBeDefined();
    await expect(verifyToken(await sign(second, claims, { kid: undefined }), both)).resolves.toBeDefined();
  });

  it('expires without leeway, and begins with a minute of it', async () => {
    const facts = await verifyToken(await sign(signer, claims), keys);
    expect(() => checkTimes(facts, 1_599_999)).not.toThrow();
    expect(() => checkTimes(facts, 1_600_000)).toThrow(expect.objectContaining({ code: 'token-expired' }));
    expect(() => checkTimes(facts, 700_000)).not.toThrow();
    expect(() => checkTimes(facts, 699_999)).toThrow(expect.objectContaining({ code: 'token-invalid' }));
  });
});

import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import { localTokenSource } from '../../../csr-agent/src/token_source/local.ts';
import { RenewedToken } from '../../../csr-agent/src/token_source/renewed.ts';
import type { TokenSource } from '../../../csr-agent/src/token_source/source.ts';
import { ManualClock } from '../support/clock.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keyPem = privateKey.export({ format: 'pem', type: 'pkcs8' });
const agent = {
  keyPem,
  issuer: 'https://kubernetes.default.svc',
  account: 'ambient-ca/agent',
  pod: { namespace: 'ambient-ca', name: 'agent-0', uid: 'uid-0' },
  node: 'node-a',
  now: Date.now,
};

describe('the local token source', () => {
  it('makes tokens with the claims of a bound service-account token, which an independent library verifies', async () => {
    const { token, expiresAt } = await localTokenSource(agent).token(['https://ca.test', 'urn:key'], 600);
    const { payload, protectedHeader } = await jwtVerify(token, createPublicKey(privateKey), {
      issuer: agent.issuer,
      audience: 'urn:key',
      algorithms: ['ES256'],
    });
    expect(payload.aud).toEqual(['https://ca.test', 'urn:key']);
    expect(payload.sub).toBe('system:serviceaccount:ambient-ca:agent');
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(600);
    expect(payload['kubernetes.io']).toMatchObject({
      namespace: 'ambient-ca',
      pod: { name: 'agent-0', uid: 'uid-0' },
      node: { name: 'node-a' },
      serviceaccount: { name: 'agent' },
    });
    expect(protectedHeader.kid).toMatch(/^[\w-]{43}$/);
    expect(expiresAt).toBe((payload.exp ?? 0) * 1000);
  });

  it('refuses a key of another curve, and an account of another namespace than the pod', () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'pem', type: 'pkcs8' });
    expect(() => localTokenSource({ ...agent, keyPem: p384 })).toThrow(/P-256/);
    expect(() => localTokenSource({ ...agent, account: 'other/agent' })).toThrow(/namespace/);
  });
});

const MINUTE = 60_000;

function renewed(): {
  token: RenewedToken;
  source: { token: ReturnType<typeof vi.fn<TokenSource['token']>> };
  clock: ManualClock;
} {
  const clock = new ManualClock();
  let count = 0;
  const source = {
    token: vi.fn<TokenSource['token']>(async (_audiences, seconds) =>
      Promise.resolve({ token: `token-${++count}`, expiresAt: clock.now() + seconds * 1000 }),
    ),
  };
  return { token: new RenewedToken({ source, audiences: ['a', 'b'], clock, random: () => 0.5 }), source, clock };
}

describe('the token of the agent', () => {
  it('is asked for with both audiences and ten minutes, and once for many requests', async () => {
    const { token, source } = renewed();
    expect(await Promise.all([token.current(), token.current(), token.current()])).toEqual([
      'token-1',
      'token-1',
      'token-1',
    ]);
    expect(source.token.mock.calls).toEqual([[['a', 'b'], 600]]);
  });

  it('is renewed before it ends', async () => {
    const { token, clock } = renewed();
    await token.current();
    await clock.advance(7 * MINUTE);
    expect(await token.current()).toBe('token-1');
    await clock.advance(2 * MINUTE);
    expect(await token.current()).toBe('token-2');
  });

  it('is used to its end when it cannot be renewed, and no longer', async () => {
    const { token, source, clock } = renewed();
    await token.current();
    source.token.mockRejectedValue(new Error('no API server'));
    await clock.advance(9 * MINUTE);
    expect(await token.current()).toBe('token-1');
    await clock.advance(MINUTE);
    await expect(token.current()).rejects.toThrow('no API server');
  });

  it('is asked for again when the CA refused it, and not with every request', async () => {
    const { token, source, clock } = renewed();
    await token.current();
    for (let i = 0; i < 5; i++) {
      token.distrust();
      // oxlint-disable-next-line no-await-in-loop
      await token.current();
    }
    expect(source.token).toHaveBeenCalledTimes(2);
    await clock.advance(11_000);
    token.distrust();
    expect(await token.current()).toBe('token-3');
  });
});

import { describe, expect, it } from 'vitest';
import { TokenAuthenticator } from '../../../csr-agent/src/authenticate/token.ts';
import { PodSnapshot } from '../../../csr-agent/src/pods/index.ts';
import type { PodRef } from '../../../csr-agent/src/steps.ts';
import { podToken, tokenClaims } from '../../support/token.ts';
import { PODS, tokenIssuer } from '../front.ts';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

/** An authenticator whose signatures are all good, or wait for a test, and whose clock and pods a test moves. */
function authenticator() {
  const state = {
    now: NOW,
    pods: new PodSnapshot(Object.values(PODS)),
    revision: 1,
    verified: 0,
    gate: Promise.resolve(),
  };
  const keySets = {
    get revision() {
      return state.revision;
    },
    async verify(token: string) {
      state.verified++;
      await state.gate;
      const payload = token.split('.')[1] ?? '';
      return { payload: JSON.parse(Buffer.from(payload, 'base64url').toString()) as unknown };
    },
  };
  const pods = {
    get synced() {
      return state.pods.synced;
    },
    byUid: (uid: string) => state.pods.byUid(uid),
    onNode: (node: string, namespace: string, account: string) => state.pods.onNode(node, namespace, account),
  };
  return { state, tokens: new TokenAuthenticator({ keySets, pods, audience: 'istio-ca', now: () => state.now }) };
}

const bearer = (ttlSeconds?: number) => [`Bearer ${podToken(tokenIssuer, PODS.ztunnelA, NOW, ttlSeconds)}`];
const reasonOf = async (step: ReturnType<TokenAuthenticator['authenticate']>) => {
  const result = await step;
  return result.ok ? null : result.refusal.code;
};

describe('a token that was verified', () => {
  it('is not verified again, and eight requests at once verify it once', async () => {
    const { state, tokens } = authenticator();
    const authorization = bearer();
    const all = await Promise.all(Array.from({ length: 8 }, async () => tokens.authenticate(authorization)));
    expect(all.every(({ ok }) => ok)).toBe(true);
    expect(tokens.authenticate(authorization)).toMatchObject({ ok: true });
    expect(state.verified).toBe(1);
  });

  it('is refused from the second in which it expires', async () => {
    const { state, tokens } = authenticator();
    const authorization = bearer(600);
    expect(await reasonOf(tokens.authenticate(authorization))).toBeNull();
    state.now = NOW + 599_999;
    expect(await reasonOf(tokens.authenticate(authorization))).toBeNull();
    state.now = NOW + 600_000;
    expect(await reasonOf(tokens.authenticate(authorization))).toBe('token-expired');
  });

  it('is verified again when the trusted keys have changed, also while it was being verified', async () => {
    const { state, tokens } = authenticator();
    const authorization = bearer();
    await tokens.authenticate(authorization);
    state.revision = 2;
    const gate = Promise.withResolvers<void>();
    state.gate = gate.promise;
    const waiting = tokens.authenticate(authorization);
    state.revision = 3;
    gate.resolve();
    expect(await reasonOf(waiting)).toBeNull();
    expect(state.verified).toBe(3);
  });
});

describe('leeway', () => {
  it.each([
    ['five minutes ahead is forgiven', 300_000, null],
    ['a second more is not', 301_000, 'token-early'],
  ])('an iat %s', async (_, ahead, code) => {
    const { state, tokens } = authenticator();
    state.now = NOW - ahead;
    expect(await reasonOf(tokens.authenticate(bearer()))).toBe(code);
  });
});

const held = async () => {
  const { state, tokens } = authenticator();
  const step = await tokens.authenticate(bearer(600));
  if (!step.ok) throw new Error('not authenticated');
  return { state, tokens, caller: step.value };
};

describe('after a hold', () => {
  const moved: PodRef = { ...PODS.ztunnelA, node: 'node-c' };

  it('a caller whose token has expired since may still have its certificate', async () => {
    const { state, tokens, caller } = await held();
    state.now = NOW + 2 * HOUR;
    expect(tokens.recheck(caller).ok).toBe(true);
  });

  it.each([
    ['gone', [PODS.reviews], 'pod-gone'],
    ['on another node', [moved], 'node-mismatch'],
    ['another one under its uid', [{ ...PODS.ztunnelA, name: 'ztunnel-z' }], 'pod-mismatch'],
  ] as const)('a caller whose pod is %s may not', async (_, pods, code) => {
    const { state, tokens, caller } = await held();
    state.pods = new PodSnapshot(pods);
    const step = tokens.recheck(caller);
    expect(step.ok ? null : step.refusal.code).toBe(code);
  });
});

describe('claims', () => {
  it.each([
    ['an exp beyond every time', { exp: 1e300 }],
    ['an exp in fractions', { exp: 1_800_000_600.5 }],
    ['a negative iat', { iat: -1 }],
  ])('%s is refused', async (_, change) => {
    const { tokens } = authenticator();
    const claims = { ...tokenClaims(tokenIssuer, PODS.ztunnelA, NOW), ...change };
    const token = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.AA`;
    expect(await reasonOf(tokens.authenticate([`Bearer ${token}`]))).toBe('token-claims');
  });
});

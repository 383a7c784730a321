import { describe, expect, it } from 'vitest';
import type { Caller, Item } from '../../../ca-service/src/client/protocol.ts';
import { AgentClockError } from '../../../ca-service/src/evidence/refusal.ts';
import { placement } from '../../../ca-service/src/evidence/placement.ts';
import type { TokenFacts } from '../../../ca-service/src/evidence/token.ts';
import { NOW, snapshotOf } from '../support/fakes.ts';
import { ISSUER, tokenSigner } from '../support/tokens.ts';

const snapshot = await snapshotOf(await tokenSigner());

const ztunnel: TokenFacts = {
  issuer: ISSUER,
  audiences: ['istio-ca'],
  namespace: 'istio-system',
  serviceAccount: 'ztunnel',
  pod: { name: 'ztunnel-1', uid: 'u-1' },
  node: 'node-a',
  expiresAt: NOW + 600_000,
  notBefore: NOW - 60_000,
  issuedAt: NOW - 60_000,
};
const caller: Caller = {
  tokenHash: 'A'.repeat(43),
  pod: { namespace: 'istio-system', name: 'ztunnel-1', uid: 'u-1', serviceAccount: 'ztunnel' },
  node: 'node-a',
};
const item: Item = {
  id: 'r-1',
  caller: 0,
  identity: 'spiffe://cluster.local/ns/bookinfo/sa/web',
  csr: 'AAAA',
  ttl: 0,
  receivedAt: NOW,
  target: { name: 'web-1', uid: 'u-2' },
};

const web: TokenFacts = {
  ...ztunnel,
  namespace: 'bookinfo',
  serviceAccount: 'web',
  pod: { name: 'web-1', uid: 'u-2' },
};
const webCaller: Caller = {
  ...caller,
  pod: { namespace: 'bookinfo', name: 'web-1', uid: 'u-2', serviceAccount: 'web' },
};
const { target: _, ...own } = item;

describe('the evidence of an item', () => {
  it('of a trusted node account for a pod on its node is the token and the agent', () => {
    expect(placement(ztunnel, caller, item, snapshot, NOW)).toEqual({
      identity: { trustDomain: 'cluster.local', namespace: 'bookinfo', serviceAccount: 'web' },
      level: 'token+agent',
    });
  });

  it('of a workload for itself is the token', () => {
    expect(placement(web, webCaller, own, snapshot, NOW).level).toBe('token');
  });

  it('of a token without pod and node rests on what the agent says of them', () => {
    expect(placement({ ...web, pod: null, node: null }, webCaller, own, snapshot, NOW).level).toBe('token');
  });

  it.each<[string, string, Partial<TokenFacts>, Partial<Caller>, Partial<Item>]>([
    [
      'a workload for another',
      'identity-mismatch',
      web,
      webCaller,
      { target: undefined, identity: item.identity.replace('web', 'db') } as never,
    ],
    ['a workload for another, with a target', 'caller-not-trusted', web, webCaller, {}],
    ['a ztunnel without a target', 'identity-mismatch', {}, {}, { target: undefined } as never],
    [
      'a ztunnel of another namespace',
      'caller-not-trusted',
      { namespace: 'evil' },
      { pod: { ...caller.pod, namespace: 'evil' } },
      {},
    ],
    ['another trust domain', 'identity-mismatch', {}, {}, { identity: 'spiffe://other.local/ns/bookinfo/sa/web' }],
    [
      'the trust domain with a dot more',
      'identity-mismatch',
      {},
      {},
      { identity: 'spiffe://cluster.local./ns/bookinfo/sa/web' },
    ],
    [
      'an identity of another shape',
      'identity-mismatch',
      {},
      {},
      { identity: 'spiffe://cluster.local/ns/bookinfo/sa/web/x' },
    ],
    [
      'an identity with percent-encoding',
      'identity-mismatch',
      {},
      {},
      { identity: 'spiffe://cluster.local/ns/book%69nfo/sa/web' },
    ],
    ['an identity with a wildcard', 'identity-mismatch', {}, {}, { identity: 'spiffe://cluster.local/ns/*/sa/web' }],
    [
      'a caller of another namespace than its token',
      'identity-mismatch',
      {},
      { pod: { ...caller.pod, namespace: 'x' } },
      {},
    ],
    [
      'a caller of another account than its token',
      'identity-mismatch',
      {},
      { pod: { ...caller.pod, serviceAccount: 'x' } },
      {},
    ],
    [
      'a caller of another pod than its token',
      'identity-mismatch',
      {},
      { pod: { ...caller.pod, name: 'ztunnel-2' } },
      {},
    ],
    ['a caller of another pod uid than its token', 'identity-mismatch', {}, { pod: { ...caller.pod, uid: 'u-9' } }, {}],
    ['a caller on another node than its token', 'node-mismatch', {}, { node: 'node-b' }, {}],
    ['a receipt after the token expired', 'token-expired', { expiresAt: NOW }, {}, {}],
    ['a receipt before the token began', 'token-invalid', { notBefore: NOW + 300_001 }, {}, {}],
    ['a receipt longer ago than any hold', 'token-expired', {}, {}, { receivedAt: NOW - 10_800_001 }],
  ])('is refused for %s', (_name, code, facts, changedCaller, changedItem) => {
    expect(() =>
      placement({ ...ztunnel, ...facts }, { ...caller, ...changedCaller }, { ...item, ...changedItem }, snapshot, NOW),
    ).toThrow(expect.objectContaining({ code }));
  });

  it('is not refused, but asked for again, when the agent says that it was received in the future', () => {
    expect(() => placement(ztunnel, caller, { ...item, receivedAt: NOW + 60_001 }, snapshot, NOW)).toThrow(
      AgentClockError,
    );
  });

  it('is judged as of its receipt: a token that expired since still counts within the hold', () => {
    const receivedAt = NOW - 10_000_000;
    const facts = { ...ztunnel, notBefore: receivedAt, expiresAt: receivedAt + 1 };
    expect(placement(facts, caller, { ...item, receivedAt }, snapshot, NOW).level).toBe('token+agent');
  });
});

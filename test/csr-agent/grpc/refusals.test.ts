import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ztunnelCsr } from '../../support/client/csr.ts';
import { podToken, signToken, tokenClaims } from '../../support/token.ts';
import { Channel, CREATE_CERTIFICATE } from '../../support/wire/channel.ts';
import { encodeRequest } from '../../support/wire/protobuf.ts';
import { PODS, SERVER_NAME, startFront, tokenIssuer, type Front } from '../front.ts';

const UNAUTHENTICATED = { code: 16, message: 'request authenticate failure' };
const IMPERSONATION = { code: 16, message: 'request impersonation authentication failure' };
const BAD_CSR = { code: 3, message: 'certificate signing request refused' };

const OWN = 'spiffe://cluster.local/ns/bookinfo/sa/productpage';
const csr = ztunnelCsr(OWN).pem;
const good = () => podToken(tokenIssuer, PODS.productpage);
const claims = (change: Record<string, unknown>, pod = PODS.productpage) => ({
  ...tokenClaims(tokenIssuer, pod, Date.now()),
  ...change,
});
const signed = (change: Record<string, unknown>) => signToken(tokenIssuer, claims(change));
const bound = (change: Record<string, unknown>) => ({
  'kubernetes.io': {
    ...(tokenClaims(tokenIssuer, PODS.productpage, Date.now())['kubernetes.io'] as object),
    ...change,
  },
});
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const seconds = () => Math.floor(Date.now() / 1000);

interface Case {
  token?: () => string | undefined;
  headers?: Record<string, string | string[]>;
  request?: { csr?: string; metadata?: Record<string, string> };
  expected: { code: number; message: string };
  reason: string;
}

const cases: Record<string, Case> = {
  'no token': { token: () => undefined, expected: UNAUTHENTICATED, reason: 'token-missing' },
  'a token that is no JWT': { token: () => 'abc', expected: UNAUTHENTICATED, reason: 'token-malformed' },
  'a token of 9 KiB': { token: () => `${'a'.repeat(9000)}.b.c`, expected: UNAUTHENTICATED, reason: 'token-size' },
  'a token signed by another key': {
    token: () => signToken({ keyPem: stranger, alg: 'ES256' }, claims({})),
    expected: UNAUTHENTICATED,
    reason: 'token-invalid',
  },
  'alg none': {
    token: () => `${encoded({ alg: 'none' })}.${encoded(claims({}))}.`,
    expected: UNAUTHENTICATED,
    reason: 'token-malformed',
  },
  'alg none with a signature': {
    token: () => `${encoded({ alg: 'none' })}.${encoded(claims({}))}.AAAA`,
    expected: UNAUTHENTICATED,
    reason: 'token-invalid',
  },
  HS256: {
    token: () => `${encoded({ alg: 'HS256' })}.${encoded(claims({}))}.AAAA`,
    expected: UNAUTHENTICATED,
    reason: 'token-invalid',
  },
  'an issuer that is not trusted': {
    token: () => signed({ iss: 'https://elsewhere' }),
    expected: UNAUTHENTICATED,
    reason: 'token-invalid',
  },
  'another audience': { token: () => signed({ aud: ['vault'] }), expected: UNAUTHENTICATED, reason: 'token-claims' },
  'no audience': { token: () => signed({ aud: undefined }), expected: UNAUTHENTICATED, reason: 'token-claims' },
  'no expiry': { token: () => signed({ exp: undefined }), expected: UNAUTHENTICATED, reason: 'token-claims' },
  'a token that expired this second': {
    token: () => signed({ exp: seconds() }),
    expected: UNAUTHENTICATED,
    reason: 'token-expired',
  },
  'a token from six minutes ahead': {
    token: () => signed({ nbf: seconds() + 360 }),
    expected: UNAUTHENTICATED,
    reason: 'token-early',
  },
  'a subject of three parts': {
    token: () => signed({ sub: 'system:serviceaccount:bookinfo' }),
    expected: UNAUTHENTICATED,
    reason: 'token-claims',
  },
  'a subject of five parts': {
    token: () => signed({ sub: 'system:serviceaccount:bookinfo:productpage:x' }),
    expected: UNAUTHENTICATED,
    reason: 'token-claims',
  },
  'a subject that the claims contradict': {
    token: () => signed({ sub: 'system:serviceaccount:bookinfo:reviews' }),
    expected: UNAUTHENTICATED,
    reason: 'token-claims',
  },
  'no kubernetes.io claims': {
    token: () => signed({ 'kubernetes.io': undefined }),
    expected: UNAUTHENTICATED,
    reason: 'token-claims',
  },
  'a token that is not bound to a pod': {
    token: () => signed(bound({ pod: undefined })),
    expected: UNAUTHENTICATED,
    reason: 'token-claims',
  },
  'a pod that is gone': {
    token: () => signed(bound({ pod: { name: 'productpage-1', uid: 'gone' } })),
    expected: UNAUTHENTICATED,
    reason: 'pod-gone',
  },
  "another pod's uid": {
    token: () => signed(bound({ pod: { name: 'productpage-1', uid: PODS.reviews.uid } })),
    expected: UNAUTHENTICATED,
    reason: 'pod-mismatch',
  },
  'another node than the pod runs on': {
    token: () => signed(bound({ node: { name: 'node-b' } })),
    expected: UNAUTHENTICATED,
    reason: 'node-mismatch',
  },
  'another clusterid': { headers: { clusterid: 'other' }, expected: UNAUTHENTICATED, reason: 'cluster-id' },
  'two values of clusterid': {
    headers: { clusterid: ['Kubernetes', 'Kubernetes'] },
    expected: UNAUTHENTICATED,
    reason: 'cluster-id',
  },
  'impersonation by a workload': {
    request: { metadata: { ImpersonatedIdentity: OWN } },
    expected: IMPERSONATION,
    reason: 'caller-not-trusted',
  },
  'a CSR for another identity': {
    request: { csr: ztunnelCsr('spiffe://cluster.local/ns/bookinfo/sa/reviews').pem },
    expected: BAD_CSR,
    reason: 'csr-identity',
  },
  'a CSR that is none': { request: { csr: 'hello' }, expected: BAD_CSR, reason: 'pem-format' },
  'an empty CSR': { request: { csr: '' }, expected: BAD_CSR, reason: 'pem-count' },
  'two CSRs': { request: { csr: csr + csr }, expected: BAD_CSR, reason: 'pem-count' },
  'a CSR of 20 000 characters': { request: { csr: csr + ' '.repeat(20_000) }, expected: BAD_CSR, reason: 'pem-size' },
  'a CertSigner': {
    request: { metadata: { CertSigner: 'clusterissuers.cert-manager.io/x' } },
    expected: BAD_CSR,
    reason: 'message',
  },
  'metadata that is not known': { request: { metadata: { Other: 'x' } }, expected: BAD_CSR, reason: 'message' },
};

const byZtunnel: Record<string, [identity: string, reason: string]> = {
  'an identity of another node': ['spiffe://cluster.local/ns/bookinfo/sa/reviews', 'not-on-node'],
  'an identity of another trust domain': ['spiffe://other.local/ns/bookinfo/sa/productpage', 'trust-domain'],
  'an identity without a trust domain': ['spiffe:///ns/bookinfo/sa/productpage', 'identity-malformed'],
  'an identity with a port': ['spiffe://cluster.local:80/ns/bookinfo/sa/productpage', 'identity-malformed'],
  'a wildcard': ['spiffe://cluster.local/ns/*/sa/productpage', 'identity-malformed'],
  'a trailing slash': [`${OWN}/`, 'identity-malformed'],
  'a name that no pod has': ['spiffe://cluster.local/ns/bookinfo/sa/nobody', 'not-on-node'],
};

let front: Front;
let channel: Channel;
beforeAll(async () => {
  front = await startFront();
  channel = new Channel({ host: '127.0.0.1', port: front.port, serverName: SERVER_NAME, roots: front.roots });
});
beforeEach(() => {
  front.signer.asked.length = 0;
  front.reports.length = 0;
});
afterAll(async () => {
  channel.close();
  await front.server.drain(0);
});

function ask(
  token: string | undefined,
  request: Case['request'] = {},
  headers: Case['headers'] = {},
): Promise<unknown> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const message = encodeRequest({ csr: request.csr ?? csr, validityDuration: 86_400, metadata: request.metadata });
  return channel.unary(CREATE_CERTIFICATE, { ...authorization, ...headers }, message);
}

/** What a call came to: for the client, for the signer, and for the log. */
async function outcomeOf(call: Promise<unknown>) {
  const { code, message } = (await call.catch((error: unknown) => error)) as { code?: number; message?: string };
  const reasons = front.reports.map(({ outcome }) => (outcome.ok ? null : outcome.code));
  return { code, message, asked: front.signer.asked.length, reasons };
}

const refusal = (expected: Case['expected'], reason: string) => ({ ...expected, asked: 0, reasons: [reason] });

describe('refused, with a constant text for the client and the reason for the log', () => {
  it.each(Object.entries(cases))('%s', async (_name, { token = good, headers, request, expected, reason }) => {
    expect(await outcomeOf(ask(token(), request, headers))).toEqual(refusal(expected, reason));
  });

  it.each(Object.entries(byZtunnel))('a ztunnel that asks for %s', async (_name, [identity, reason]) => {
    const token = podToken(tokenIssuer, PODS.ztunnelA);
    expect(await outcomeOf(ask(token, { metadata: { ImpersonatedIdentity: identity } }))).toEqual(
      refusal(IMPERSONATION, reason),
    );
  });

  it('the good request beside them is served, with a clusterid, an empty one and none', async () => {
    await ask(good());
    await ask(good(), {}, { clusterid: '' });
    await ask(good(), {}, { clusterid: 'Kubernetes' });
    await ask(signed({ nbf: seconds() + 30, iat: seconds() + 30 }));
    await ask(signed({ aud: 'istio-ca' }));
    expect(front.signer.asked).toHaveLength(5);
  });

  it('a token whose verdict is cached is refused as soon as its pod is gone', async () => {
    const token = good();
    await ask(token);
    front.setPods([PODS.ztunnelA, PODS.reviews]);
    front.signer.asked.length = 0;
    front.reports.length = 0;
    expect(await outcomeOf(ask(token))).toEqual(refusal(UNAUTHENTICATED, 'pod-gone'));
    front.setPods(Object.values(PODS));
  });

  it.each([
    ['refused', 16],
    ['csr', 3],
    ['unavailable', 14],
  ] as const)('the signer answers %s: status %i, and its reason stays with us', async (kind, code) => {
    const usual = front.signer.answer;
    front.signer.answer = () => Promise.resolve({ ok: false, kind, code: 'x', reason: 'a secret reason' });
    const error: unknown = await ask(good()).catch((thrown: unknown) => thrown);
    front.signer.answer = usual;
    expect(error).toMatchObject({ code });
    expect(String(error)).not.toContain('secret');
  });

  it('a message that is no protobuf is a bad request, not our fault', async () => {
    const call = channel.unary(
      CREATE_CERTIFICATE,
      { authorization: `Bearer ${good()}` },
      Buffer.from([0x0a, 0xff, 0x01]),
    );
    expect(await outcomeOf(call)).toEqual(refusal(BAD_CSR, 'message'));
  });
});

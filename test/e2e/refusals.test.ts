import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ODD_CSRS } from '../support/client/odd_csr.ts';
import { ztunnelCsr } from '../support/client/csr.ts';
import { Dev, nodePods } from '../support/dev.ts';
import { ledgerRows } from '../support/ledger.ts';
import { podToken, signToken, tokenClaims, type Pod } from '../support/token.ts';
import { Channel, CREATE_CERTIFICATE, GrpcError } from '../support/wire/channel.ts';
import { decodeResponse, encodeRequest, type CertificateRequest } from '../support/wire/protobuf.ts';

const node1 = nodePods('node-1', ['a']);
const node2 = nodePods('node-2', ['b']);
const ztunnel = node1.ztunnel;
const A = node1.pods[0] as Pod;
const B = node2.pods[0] as Pod;
const stranger: Pod = { ...A, name: 'stranger', uid: 'uid-stranger' };

// Invariant 4: a code that the client handles right, and a constant text, because ztunnel publishes it.
const TOKEN = { code: 16, message: 'request authenticate failure' };
const IMPERSONATION = { code: 16, message: 'request impersonation authentication failure' };
const CSR = { code: 3, message: 'certificate signing request refused' };

let dev: Dev;
let channel: Channel;

beforeAll(async () => {
  dev = await Dev.start({ pods: [ztunnel, A, node2.ztunnel, B] });
  channel = new Channel(dev.address);
});
afterAll(async () => {
  channel.close();
  await dev.stop();
});

type Headers = Record<string, string | string[]>;
const headers = (token: string): Headers => ({ authorization: `Bearer ${token}`, clusterid: dev.info.clusterId });
const send = async (sent: Headers, message: Uint8Array): Promise<unknown> => {
  try {
    return decodeResponse(await channel.unary(CREATE_CERTIFICATE, sent, message));
  } catch (error) {
    if (error instanceof GrpcError) return { code: error.code, message: error.message };
    throw error;
  }
};
const ask = (sent: Headers, request: Partial<CertificateRequest> = {}): Promise<unknown> =>
  send(sent, encodeRequest({ csr: ztunnelCsr(dev.identity(A)).pem, validityDuration: 86_400, ...request }));
const impersonate = (pod: Pod, identity: string): Promise<unknown> =>
  ask(headers(dev.token(pod)), { csr: ztunnelCsr(identity).pem, metadata: { ImpersonatedIdentity: identity } });

const good = () => tokenClaims(dev.issuer, A, Date.now());
const seconds = () => Math.floor(Date.now() / 1000);
const k8s = () => good()['kubernetes.io'] as Record<string, object>;
const varied = (claims: Record<string, unknown>) => signToken(dev.issuer, { ...good(), ...claims });
const otherKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });

test('what the refusals below vary is itself accepted', async () => {
  expect(await ask(headers(dev.token(A)))).toHaveLength(3);
  expect(await impersonate(ztunnel, dev.identity(A))).toHaveLength(3);
});

describe('a token is refused', () => {
  test.each<[string, () => Headers]>([
    ['that is absent', () => ({ clusterid: dev.info.clusterId })],
    ['that is empty', () => headers('')],
    ['that is no JWT', () => headers('abc')],
    ['of another scheme', () => ({ ...headers(''), authorization: `Basic ${dev.token(A)}` })],
    ['given twice', () => ({ ...headers(''), authorization: [`Bearer ${dev.token(A)}`, `Bearer ${dev.token(A)}`] })],
    ['signed by another key', () => headers(podToken({ ...dev.issuer, keyPem: otherKey() }, A))],
    [
      'with algorithm none',
      () => headers(`${Buffer.from('{"alg":"none"}').toString('base64url')}.${dev.token(A).split('.')[1]}.`),
    ],
    ['with a signature cut off', () => headers(dev.token(A).replace(/\.[^.]+$/, '.'))],
    [
      'with changed claims',
      () => headers([dev.token(A).split('.')[0], dev.token(B).split('.')[1], dev.token(A).split('.')[2]].join('.')),
    ],
    ['for another audience', () => headers(varied({ aud: ['vault'] }))],
    ['of another issuer', () => headers(varied({ iss: 'https://example.org' }))],
    ['that has expired', () => headers(varied({ exp: seconds() - 1 }))],
    ['that is not valid yet', () => headers(varied({ nbf: seconds() + 600, iat: seconds() + 600 }))],
    ['whose sub is not the service account', () => headers(varied({ sub: 'system:serviceaccount:default:b' }))],
    ['whose sub is a user', () => headers(varied({ sub: 'admin' }))],
    ['without a pod', () => headers(varied({ 'kubernetes.io': { ...k8s(), pod: undefined } }))],
    [
      'of a pod with another UID',
      () => headers(varied({ 'kubernetes.io': { ...k8s(), pod: { name: 'a', uid: 'uid-old' } } })),
    ],
    ['of a pod that is not there', () => headers(dev.token(stranger))],
    [
      'from another node than its pod',
      () => headers(varied({ 'kubernetes.io': { ...k8s(), node: { name: 'node-2', uid: 'n' } } })),
    ],
    ['that came from another cluster', () => ({ ...headers(dev.token(A)), clusterid: 'another' })],
    ['with two clusterids', () => ({ ...headers(dev.token(A)), clusterid: [dev.info.clusterId, dev.info.clusterId] })],
  ])('%s', async (_, sent) => {
    expect(await ask(sent())).toEqual(TOKEN);
  });
});

describe('an impersonation is refused', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['by a workload, of itself', () => impersonate(A, dev.identity(A))],
    ['by a workload, of another', () => impersonate(A, dev.identity(B))],
    ['of a pod on another node', () => impersonate(ztunnel, dev.identity(B))],
    [
      'of a pod that is nowhere',
      () => impersonate(ztunnel, dev.identity({ namespace: 'default', serviceAccount: 'nobody' })),
    ],
    ['in another trust domain', () => impersonate(ztunnel, dev.identity(A).replace('cluster.local', 'other.local'))],
    [
      'in a longer trust domain',
      () => impersonate(ztunnel, dev.identity(A).replace('cluster.local', 'cluster.local.example.org')),
    ],
    [
      'in a trust domain with a port',
      () => impersonate(ztunnel, dev.identity(A).replace('cluster.local', 'cluster.local:80')),
    ],
    ['with an empty trust domain', () => impersonate(ztunnel, dev.identity(A).replace('cluster.local', ''))],
    ['with upper case', () => impersonate(ztunnel, dev.identity(A).replace('spiffe', 'SPIFFE'))],
    ['with a longer path', () => impersonate(ztunnel, `${dev.identity(A)}/x`)],
    ['with a slash at the end', () => impersonate(ztunnel, `${dev.identity(A)}/`)],
    ['with percent-encoding', () => impersonate(ztunnel, dev.identity(A).replace('/sa/a', '/sa/%61'))],
    ['with a dot segment', () => impersonate(ztunnel, dev.identity(A).replace('/sa/a', '/sa/../sa/a'))],
    ['that is no URI', () => impersonate(ztunnel, 'a')],
  ])('%s', async (_, attempt) => {
    expect(await attempt()).toEqual(IMPERSONATION);
  });
});

describe('a CSR is refused', () => {
  test.each(Object.entries(ODD_CSRS))('%s', async (_, make) => {
    expect(await ask(headers(dev.token(A)), { csr: make(dev.identity(A)) })).toEqual(CSR);
  });

  test('of the identity that a trusted caller did not name', async () => {
    const csr = ztunnelCsr(dev.identity(ztunnel)).pem;
    expect(
      await ask(headers(dev.token(ztunnel)), { csr, metadata: { ImpersonatedIdentity: dev.identity(A) } }),
    ).toEqual(CSR);
  });
});

describe('a message is refused', () => {
  test.each<[string, () => Uint8Array]>([
    [
      'with an unknown member of metadata',
      () => encodeRequest({ csr: ztunnelCsr(dev.identity(A)).pem, validityDuration: 1, metadata: { Foo: 'x' } }),
    ],
    [
      'that is cut short',
      () => encodeRequest({ csr: ztunnelCsr(dev.identity(A)).pem, validityDuration: 1 }).subarray(0, 40),
    ],
    ['that is empty', () => new Uint8Array()],
  ])('%s', async (_, message) => {
    expect(await send(headers(dev.token(A)), message())).toEqual(CSR);
  });

  test('of a megabyte, without an answer of ours', async () => {
    const answer = await send(headers(dev.token(A)), Buffer.alloc(1_048_576, 0x0a));
    expect(answer).not.toHaveProperty('length');
    expect((answer as GrpcError).code).not.toBe(7);
  });
});

test('an unknown method is unimplemented', async () => {
  const unknown = channel.unary(
    '/istio.v1.auth.IstioCertificateService/Other',
    headers(dev.token(A)),
    new Uint8Array(),
  );
  await expect(unknown).rejects.toMatchObject({ code: 12 });
});

test('TLS 1.2 is refused', async () => {
  const old = new Channel({
    ...dev.address,
    minVersion: 'TLSv1.2',
    ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256',
    maxVersion: 'TLSv1.2',
  });
  await expect(old.unary(CREATE_CERTIFICATE, headers(dev.token(A)), new Uint8Array())).rejects.toMatchObject({
    code: -1,
  });
  old.close();
});

test('after all of this the ledger holds nothing but the certificates that were handed out', async () => {
  const rows = await ledgerRows(dev);
  const mine = rows.filter((row) => row.podUid === A.uid || row.podUid === ztunnel.uid);
  expect(new Set(mine.map((row) => row.identity))).toEqual(new Set([dev.identity(A)]));
});

import { describe, expect, it } from 'vitest';
import { toBase64Url } from '../../../pki/src/bytes.ts';
import { rocaModulus } from '../../pki/roca.ts';
import type { ClusterConfigInput } from '../../../ca-service/src/objects/rpc.ts';
import {
  ADMIN,
  enrolment,
  failureOf,
  tokenKey,
  trustDomain,
  trustDomainWithoutRoot,
  valueOf,
} from '../support/deployment.ts';

/** Looks like one of 2048 bits, which is all that an enrolment can see. */
const RSA_MODULUS = 'w'.repeat(342);

type Change = Partial<Record<keyof ClusterConfigInput, unknown>>;

const illegal: [field: string, change: Change][] = [
  ['name', { name: 'Cluster_1' }],
  ['name', { name: '../escape' }],
  ['clusterId', { clusterId: '' }],
  ['region', { region: 'atlantis' }],
  ['tokenAudience', { tokenAudience: 'two words' }],
  ['agentAccount', { agentAccount: 'csr-agent' }],
  ['agentAccount', { agentAccount: 'a/b/c' }],
  ['namespaces', { namespaces: [] }],
  ['namespaces', { namespaces: ['*', 'default'] }],
  ['namespaces', { namespaces: ['team-*'] }],
  ['namespaces', { namespaces: ['Default'] }],
  ['servingNames', { servingNames: [] }],
  ['servingNames', { servingNames: ['*.istio-system.svc'] }],
  ['servingNames', { servingNames: ['answers.ambient-ca.invalid'] }],
  ['servingNames', { servingNames: ['10.0.0.1/8'] }],
  ['ttl', { ttl: { floor: 600, default: 300, maximum: 3600 } }],
  ['ttl', { ttl: { floor: 0, default: 300, maximum: 3600 } }],
  ['ttl', { ttl: { floor: 600, default: 601.5, maximum: 3600 } }],
  ['ttl.maximum', { ttl: { floor: 600, default: 3600, maximum: 40 * 86_400 } }],
  ['trustedNodeAccounts', { trustedNodeAccounts: ['*/ztunnel'] }],
  ['jwks', { jwks: { keys: [] } }],
  ['jwks', { tokenIssuer: '' }],
  ['jwks.keys[0]', { jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }],
  ['jwks.keys[0]', { jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }] } }],
  ['jwks.keys[0]', { jwks: { keys: [{ kty: 'EC', crv: 'secp256k1', x: 'A'.repeat(43), y: 'A'.repeat(43) }] } }],
  ['jwks.keys[0]', { jwks: { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }] } }],
  ['jwks.keys[0]: e', { jwks: { keys: [{ kty: 'RSA', n: RSA_MODULUS, e: 'AQ' }] } }],
  ['jwks.keys[0]: e', { jwks: { keys: [{ kty: 'RSA', n: RSA_MODULUS, e: 'Aw' }] } }],
  ['jwks.keys[0]: e', { jwks: { keys: [{ kty: 'RSA', n: RSA_MODULUS, e: 'AQAA' }] } }],
  ['jwks.keys[0]: n', { jwks: { keys: [{ kty: 'RSA', n: toBase64Url(rocaModulus()), e: 'AQAB' }] } }],
  ['jwks.keys[0]: use', { jwks: { keys: [{ kty: 'RSA', n: RSA_MODULUS, e: 'AQAB', use: 'enc' }] } }],
  ['jwks.keys[0]: key_ops', { jwks: { keys: [{ kty: 'RSA', n: RSA_MODULUS, e: 'AQAB', key_ops: ['encrypt'] }] } }],
  [
    'jwks.keys[0]',
    { jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43), d: 'A'.repeat(43) }] } },
  ],
  ['policy', { policy: 'not json' }],
  ['policy.', { policy: '{"version":2}' }],
];

describe('an enrolment is refused', () => {
  it.each(illegal)('for its %s: %j', async (field, change) => {
    const { rpc } = await trustDomain();
    const failure = failureOf(
      await rpc.enrolCluster(ADMIN, { ...(await enrolment()), ...change } as ClusterConfigInput),
    );
    expect(failure.code).toBe('invalid');
    const { faults } = failure.extra as { faults: string[] };
    expect(faults.filter((fault) => fault.startsWith(field))).not.toEqual([]);
    expect(valueOf(await rpc.listClusters())).toEqual([]);
  });

  it('with every fault at once', async () => {
    const { rpc } = await trustDomain();
    const input = { ...(await enrolment()), region: 'x', namespaces: [], servingNames: ['*'] };
    expect(failureOf(await rpc.enrolCluster(ADMIN, input)).extra?.['faults']).toHaveLength(3);
  });

  it('without a root', async () => {
    const { rpc } = await trustDomainWithoutRoot();
    expect(failureOf(await rpc.enrolCluster(ADMIN, await enrolment())).code).toBe('no-root');
  });

  it('for a name that is taken', async () => {
    const { rpc, enrol } = await trustDomain();
    const { info } = await enrol();
    const again = { ...(await enrolment()), name: info.name };
    expect(failureOf(await rpc.enrolCluster(ADMIN, again)).code).toBe('already-exists');
  });

  it('for keys that another cluster has under the same issuer, whatever their kid', async () => {
    const { rpc, enrol } = await trustDomain();
    const key = await tokenKey();
    const { info } = await enrol({ jwks: { keys: [key] } });
    const same = { ...(await enrolment()), jwks: { keys: [await tokenKey(), { ...key, kid: 'another' }] } };
    expect(failureOf(await rpc.enrolCluster(ADMIN, same))).toMatchObject({
      code: 'keys-in-use',
      extra: { cluster: info.name },
    });
    const otherIssuer = { ...same, tokenIssuer: 'https://other.example' };
    valueOf(await rpc.enrolCluster(ADMIN, otherIssuer));
  });

  it('for all namespaces beside another cluster, unless that is confirmed', async () => {
    const { rpc, enrol } = await trustDomain();
    await enrol();
    const all = { ...(await enrolment()), namespaces: ['*'] };
    expect(failureOf(await rpc.enrolCluster(ADMIN, all)).code).toBe('all-namespaces-unconfirmed');
    valueOf(await rpc.enrolCluster(ADMIN, { ...all, confirmAllNamespaces: true }));
  });

  it('never for all namespaces of the only cluster', async () => {
    const { enrol } = await trustDomain();
    expect((await enrol({ namespaces: ['*'] })).info.namespaces).toEqual(['*']);
  });
});

it('what is refused leaves no row and no audit of an enrolment', async () => {
  const { rpc, enrol } = await trustDomain();
  await enrol();
  const before = valueOf(await rpc.audit({})).rows.length;
  failureOf(await rpc.enrolCluster(ADMIN, { ...(await enrolment()), namespaces: ['*'] }));
  expect(valueOf(await rpc.audit({})).rows).toHaveLength(before);
  expect(valueOf(await rpc.listClusters())).toHaveLength(1);
});

import type { PolicyFacts, PolicyOutcome } from '../../policies/src/evaluate.ts';
import type { Policy } from '../../policies/src/schema.ts';

/** One row of the policy's table: a claim, what differs from the default policy and facts, and what must come out. */
export interface PolicyCase {
  readonly claim: string;
  readonly policy?: Partial<Policy>;
  readonly facts?: Partial<PolicyFacts>;
  readonly expect:
    | { outcome: 'allow'; ttlSeconds: number }
    | Pick<PolicyOutcome & { outcome: 'refuse' }, 'outcome' | 'code' | 'setting'>;
}

const hour = 3600;
const day = 24 * hour;

/** Facts that every case starts from: ztunnel asking for productpage, 24 h, in a cluster with the default limits. */
export const caseFacts: PolicyFacts = {
  namespace: 'bookinfo',
  serviceAccount: 'productpage',
  keyKind: 'ec-p256',
  requestedTtlSeconds: day,
  namespaces: ['bookinfo', 'istio-system'],
  ttl: { floor: 600, default: day, maximum: 7 * day },
};

const narrowed: Policy['rules'] = [
  { description: 'payments is closed', match: { namespace: 'payments', serviceAccount: '*' }, deny: true },
  {
    description: 'productpage: P-256, one hour',
    match: { namespace: 'bookinfo', serviceAccount: 'productpage' },
    keyTypes: ['ec-p256'],
    maximumTtlSeconds: hour,
  },
  {
    description: 'the rest of bookinfo',
    match: { namespace: 'bookinfo', serviceAccount: '*' },
    maximumTtlSeconds: 2 * hour,
  },
];

/** The cases as data; `test/policies/evaluate.test.ts` runs each of them. */
export const policyCases: readonly PolicyCase[] = [
  { claim: 'what every mesh client asks for is issued as asked', expect: { outcome: 'allow', ttlSeconds: day } },
  {
    claim: 'a TTL of zero means the default',
    facts: { requestedTtlSeconds: 0 },
    expect: { outcome: 'allow', ttlSeconds: day },
  },
  {
    claim: 'a negative TTL means the default',
    facts: { requestedTtlSeconds: -5 },
    expect: { outcome: 'allow', ttlSeconds: day },
  },
  {
    claim: 'a TTL below the floor is raised',
    facts: { requestedTtlSeconds: 10 },
    expect: { outcome: 'allow', ttlSeconds: 600 },
  },
  {
    claim: 'a TTL above the maximum is clamped, not refused',
    facts: { requestedTtlSeconds: Number.MAX_SAFE_INTEGER },
    expect: { outcome: 'allow', ttlSeconds: 7 * day },
  },
  {
    claim: 'a namespace that was not enrolled is refused',
    facts: { namespace: 'kube-system' },
    expect: { outcome: 'refuse', code: 'namespace-not-enrolled', setting: 'cluster.namespaces' },
  },
  {
    claim: '* alone enrols every namespace',
    facts: { namespace: 'anything', namespaces: ['*'] },
    expect: { outcome: 'allow', ttlSeconds: day },
  },
  {
    claim: '* beside other names is an ordinary name and grants nothing',
    facts: { namespace: 'anything', namespaces: ['*', 'bookinfo'] },
    expect: { outcome: 'refuse', code: 'namespace-not-enrolled', setting: 'cluster.namespaces' },
  },
  {
    claim: 'a cluster without namespaces issues nothing',
    facts: { namespaces: [] },
    expect: { outcome: 'refuse', code: 'namespace-not-enrolled', setting: 'cluster.namespaces' },
  },
  {
    claim: 'an RSA-2048 key is allowed by default',
    facts: { keyKind: 'rsa', rsaBits: 2048 },
    expect: { outcome: 'allow', ttlSeconds: day },
  },
  {
    claim: 'an RSA key below the minimum is refused',
    policy: { minimumRsaBits: 3072 },
    facts: { keyKind: 'rsa', rsaBits: 2048 },
    expect: { outcome: 'refuse', code: 'policy', setting: 'policy.minimumRsaBits' },
  },
  {
    claim: 'an RSA key of unknown size is refused',
    facts: { keyKind: 'rsa' },
    expect: { outcome: 'refuse', code: 'policy', setting: 'policy.minimumRsaBits' },
  },
  {
    claim: 'a key type that the policy does not name is refused',
    policy: { keyTypes: ['ec-p256'] },
    facts: { keyKind: 'ec-p384' },
    expect: { outcome: 'refuse', code: 'policy', setting: 'policy.keyTypes' },
  },
  {
    claim: 'the first rule that matches decides',
    policy: { rules: narrowed },
    expect: { outcome: 'allow', ttlSeconds: hour },
  },
  {
    claim: 'a rule may narrow the key types',
    policy: { rules: narrowed },
    facts: { keyKind: 'ec-p384' },
    expect: { outcome: 'refuse', code: 'policy', setting: 'policy.rules.1.keyTypes' },
  },
  {
    claim: 'a later rule serves the service accounts that an earlier one does not name',
    policy: { rules: narrowed },
    facts: { serviceAccount: 'reviews' },
    expect: { outcome: 'allow', ttlSeconds: 2 * hour },
  },
  {
    claim: 'a denied namespace is refused although it is enrolled',
    policy: { rules: narrowed },
    facts: { namespace: 'payments', namespaces: ['*'] },
    expect: { outcome: 'refuse', code: 'policy', setting: 'policy.rules.0.deny' },
  },
  {
    claim: 'no rule opens a namespace that was not enrolled',
    policy: { rules: [{ description: 'all', match: { namespace: '*', serviceAccount: '*' } }] },
    facts: { namespace: 'other' },
    expect: { outcome: 'refuse', code: 'namespace-not-enrolled', setting: 'cluster.namespaces' },
  },
  {
    claim: 'a rule cannot raise the TTL above the cluster',
    policy: {
      rules: [{ description: 'all', match: { namespace: '*', serviceAccount: '*' }, maximumTtlSeconds: 30 * day }],
    },
    facts: { requestedTtlSeconds: 30 * day },
    expect: { outcome: 'allow', ttlSeconds: 7 * day },
  },
  {
    claim: 'a rule cannot lower the TTL under the floor: ztunnel would not outlast an outage',
    policy: { rules: [{ description: 'all', match: { namespace: '*', serviceAccount: '*' }, maximumTtlSeconds: 60 }] },
    expect: { outcome: 'allow', ttlSeconds: 600 },
  },
];

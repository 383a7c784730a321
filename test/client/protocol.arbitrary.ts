import fc from 'fast-check';
import {
  type BatchAnswer,
  type BatchRequest,
  type Item,
  type ItemAnswer,
  REFUSAL_CODES,
  type ServingRequest,
  type TrustDocument,
} from '../../ca-service/src/client/protocol.ts';
import { toBase64, toBase64Url } from '../../pki/src/bytes.ts';

const bytes = (minLength: number, maxLength = minLength) => fc.uint8Array({ minLength, maxLength });
const url = (length: number) => bytes(length).map(toBase64Url);
const der = bytes(1, 300).map(toBase64);
const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const id = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/);
const uid = fc.uuid();
const time = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const jwe = fc.tuple(url(20), url(20), url(12), url(30), url(16)).map(([a, , c, d, e]) => `${a}..${c}.${d}.${e}`);

const caller = fc.record(
  {
    tokenHash: url(32),
    token: jwe,
    pod: fc.record({ namespace: label, name: label, uid, serviceAccount: label }),
    node: label,
  },
  { requiredKeys: ['tokenHash', 'pod', 'node'] },
);

const item = (callers: number): fc.Arbitrary<Item> =>
  fc.record(
    {
      id,
      caller: fc.nat(callers - 1),
      identity: fc.tuple(label, label).map(([ns, sa]) => `spiffe://cluster.local/ns/${ns}/sa/${sa}`),
      csr: der,
      ttl: fc.maxSafeInteger(),
      receivedAt: time,
      target: fc.record({ name: label, uid }),
    },
    { requiredKeys: ['id', 'caller', 'identity', 'csr', 'ttl', 'receivedAt'] },
  );

export const batchRequest: fc.Arbitrary<BatchRequest> = fc
  .array(caller, { minLength: 1, maxLength: 5 })
  .chain((callers) =>
    fc.record({
      version: fc.constant(1 as const),
      bundleVersion: time,
      callers: fc.constant(callers),
      items: fc
        .uniqueArray(item(callers.length), { minLength: callers.length, maxLength: 10, selector: ({ id }) => id })
        .map((items) => items.map((entry, index) => ({ ...entry, caller: index % callers.length }))),
    }),
  );

const itemAnswer: fc.Arbitrary<ItemAnswer> = fc.oneof(
  fc.record({ id, status: fc.constant('issued' as const), certificate: der, issuer: id }),
  fc.record({
    id,
    status: fc.constant('refused' as const),
    code: fc.constantFrom(...REFUSAL_CODES),
    reason: fc.stringMatching(/^[ -~]{0,40}$/),
  }),
  fc.record({ id, status: fc.constant('wait' as const), retryAfterMs: fc.nat(3_600_000) }),
  fc.record({ id, status: fc.constant('token-needed' as const) }),
);

export const batchAnswer: fc.Arbitrary<BatchAnswer> = fc.record({
  version: fc.constant(1 as const),
  time,
  epoch: time,
  bundleVersion: time,
  boot: url(6),
  items: fc.array(itemAnswer, { minLength: 1, maxLength: 10 }),
});

export const servingRequest: fc.Arbitrary<ServingRequest> = fc.record({
  version: fc.constant(1 as const),
  id,
  bundleVersion: time,
  csr: der,
  receivedAt: time,
});

export const trustDocument: fc.Arbitrary<TrustDocument> = fc.record({
  version: fc.constant(1 as const),
  time,
  boot: url(6),
  trustDomain: label,
  cluster: label,
  clusterId: fc.constantFrom('Kubernetes', 'c1'),
  epoch: time,
  bundleVersion: time,
  enabled: fc.boolean(),
  roots: fc.array(der, { minLength: 1, maxLength: 3 }),
  crossCertificates: fc.array(der, { maxLength: 3 }),
  intermediates: fc.array(
    fc.record({
      id,
      purpose: fc.constantFrom('svid' as const, 'serving' as const),
      certificate: der,
      current: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  answerKey: fc.record({ certificate: der, issuer: id }),
  evidenceKey: fc.record({
    kid: id,
    jwk: fc.record({ kty: fc.constant('EC' as const), crv: fc.constant('P-256' as const), x: url(32), y: url(32) }),
  }),
  servingNames: fc.array(label, { maxLength: 3 }),
  ttl: fc.record({ floor: fc.integer({ min: 1 }), default: fc.integer({ min: 1 }), maximum: fc.integer({ min: 1 }) }),
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeAnswer,
  decodeIssueRequest,
  decodeServingRequest,
  encodeAnswer,
  encodeIssueRequest,
  encodeServingRequest,
  type IssueRequest,
  type PackedItem,
} from '../../../ca-service/src/objects/packed.ts';

const bytes = fc.uint8Array({ maxLength: 600 });
const facts = {
  epoch: fc.nat(),
  requestSignature: fc.string(),
  nonce: fc.string(),
  created: fc.nat(),
  agent: fc.record({
    account: fc.string(),
    podName: fc.string(),
    podUid: fc.string(),
    node: fc.string(),
    keyThumbprint: fc.string(),
  }),
};
const item: fc.Arbitrary<PackedItem> = fc.oneof(
  fc.record({ id: fc.string(), status: fc.constant('token-needed' as const) }),
  fc.record({
    id: fc.string(),
    status: fc.constant('refused' as const),
    code: fc.constant('policy' as const),
    reason: fc.string(),
  }),
  fc.record({
    id: fc.string(),
    status: fc.constant('verified' as const),
    caller: fc.nat(),
    identity: fc.string(),
    namespace: fc.string(),
    serviceAccount: fc.string(),
    spki: bytes,
    ttl: fc.integer(),
    level: fc.constantFrom('token' as const, 'token+agent' as const),
    receivedAt: fc.nat(),
  }),
);
const callers = fc.array(
  fc.record({
    podUid: fc.string(),
    podName: fc.string(),
    namespace: fc.string(),
    serviceAccount: fc.string(),
    node: fc.string(),
  }),
);

describe('a packed buffer', () => {
  it('of an issue request reads back as it was written, keys included', () => {
    const request: fc.Arbitrary<IssueRequest> = fc.record({
      ...facts,
      bundleVersion: fc.nat(),
      callers,
      items: fc.array(item, { maxLength: 64 }),
    });
    fc.assert(
      fc.property(request, (value) => {
        expect(decodeIssueRequest(encodeIssueRequest(value))).toEqual(value);
      }),
    );
  });

  it('of a serving request reads back as it was written', () => {
    const request = fc.record({
      ...facts,
      id: fc.string(),
      bundleVersion: fc.nat(),
      spki: bytes,
      receivedAt: fc.nat(),
    });
    fc.assert(
      fc.property(request, (value) => {
        expect(decodeServingRequest(encodeServingRequest(value))).toEqual(value);
      }),
    );
  });

  it('of an answer reads back as it was written, also from within a larger buffer', () => {
    const header = fc.record({ status: fc.nat(), headers: fc.dictionary(fc.stringMatching(/^[a-z-]+$/), fc.string()) });
    fc.assert(
      fc.property(header, bytes, (value, body) => {
        const packed = encodeAnswer(value, body);
        const larger = new Uint8Array(packed.length + 7);
        larger.set(packed, 5);
        expect(decodeAnswer(larger.subarray(5, 5 + packed.length))).toEqual({ ...value, body });
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BatchRequest,
  decodeBatchAnswer,
  decodeBatchRequest,
  decodeServingRequest,
  decodeTrustDocument,
  decodeTrustRequest,
  encodeBatchAnswer,
  encodeBatchRequest,
  encodeServingRequest,
  encodeTrustDocument,
  encodeTrustRequest,
  MAX_BATCH_BYTES,
  MAX_ITEMS,
  MAX_TRUST_REQUEST_BYTES,
} from '../../ca-service/src/client/protocol.ts';
import { WireError } from '../../ca-service/src/client/wire_error.ts';
import { utf8 } from '../../pki/src/bytes.ts';
import { batchAnswer, batchRequest, servingRequest, trustDocument } from './protocol.arbitrary.ts';

describe('a body is read back as it was written', () => {
  it('batch request', () => {
    fc.assert(
      fc.property(batchRequest, (body) => {
        expect(decodeBatchRequest(encodeBatchRequest(body))).toEqual(body);
      }),
    );
  });
  it('batch answer', () => {
    fc.assert(
      fc.property(batchAnswer, (body) => {
        expect(decodeBatchAnswer(encodeBatchAnswer(body))).toEqual(body);
      }),
    );
  });
  it('serving request', () => {
    fc.assert(
      fc.property(servingRequest, (body) => {
        expect(decodeServingRequest(encodeServingRequest(body))).toEqual(body);
      }),
    );
  });
  it('trust document', () => {
    fc.assert(
      fc.property(trustDocument, (body) => {
        expect(decodeTrustDocument(encodeTrustDocument(body))).toEqual(body);
      }),
    );
  });
  it('trust request', () => {
    expect(decodeTrustRequest(encodeTrustRequest({ version: 1 }))).toEqual({ version: 1 });
  });
});

const valid: BatchRequest = {
  version: 1,
  bundleVersion: 7,
  callers: [
    {
      tokenHash: 'A'.repeat(43),
      pod: { namespace: 'istio-system', name: 'ztunnel-abc', uid: 'u-1', serviceAccount: 'ztunnel' },
      node: 'node-a.example.com',
    },
  ],
  items: [
    {
      id: 'r-1',
      caller: 0,
      identity: 'spiffe://cluster.local/ns/default/sa/web',
      csr: 'AAAA',
      ttl: 86_400,
      receivedAt: 1,
      target: { name: 'web-1', uid: 'u-2' },
    },
  ],
};

/** The valid batch with one place changed. */
function changed(path: (string | number)[], value: unknown): Uint8Array {
  const copy = structuredClone(valid) as unknown as Record<string | number, unknown>;
  let at = copy;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
  const last = path.at(-1) ?? '';
  if (value === undefined) delete at[last];
  else at[last] = value;
  return utf8(JSON.stringify(copy));
}

describe('a batch request is refused', () => {
  const malformed = expect.objectContaining({ code: 'body-malformed' });

  it('never, if nothing is wrong', () => {
    expect(decodeBatchRequest(utf8(JSON.stringify(valid)))).toEqual(valid);
  });

  it.each([
    ['of another version', ['version'], 2],
    ['without a version', ['version'], undefined],
    ['with an unknown member', ['extra'], 1],
    ['with an unknown member of a caller', ['callers', 0, 'extra'], 1],
    ['with an unknown member of a pod', ['callers', 0, 'pod', 'labels'], {}],
    ['with an unknown member of an item', ['items', 0, 'dnsNames'], ['a']],
    ['with a member that is null', ['items', 0, 'target'], null],
    ['with a member named __proto__', ['items', 0, 'constructor'], {}],
    ['without callers', ['callers'], []],
    ['without items', ['items'], []],
    ['with items that are an object', ['items'], { 0: valid.items[0] }],
    ['with a caller that does not exist', ['items', 0, 'caller'], 1],
    ['with a negative caller', ['items', 0, 'caller'], -1],
    ['with a caller that no item has', ['callers', 1], valid.callers[0]],
    ['with an item id twice', ['items', 1], valid.items[0]],
    ['with an item id of foreign characters', ['items', 0, 'id'], 'a b'],
    ['with an item id that is too long', ['items', 0, 'id'], 'a'.repeat(65)],
    ['with a CSR in base64url', ['items', 0, 'csr'], 'AA-_'],
    ['with a CSR in PEM', ['items', 0, 'csr'], '-----BEGIN CERTIFICATE REQUEST-----'],
    ['with a CSR that is too long', ['items', 0, 'csr'], 'AAAA'.repeat(2_049)],
    ['with a TTL that is text', ['items', 0, 'ttl'], '86400'],
    ['with a TTL that is a fraction', ['items', 0, 'ttl'], 1.5],
    ['with a TTL beyond an integer', ['items', 0, 'ttl'], 2 ** 53],
    ['with an identity that is no SPIFFE ID', ['items', 0, 'identity'], 'https://cluster.local'],
    ['with an identity with a space', ['items', 0, 'identity'], 'spiffe://a/ns/b /sa/c'],
    ['with a token that is no JWE', ['callers', 0, 'token'], 'aaa.bbb.ccc'],
    ['with a hash of another length', ['callers', 0, 'tokenHash'], 'A'.repeat(44)],
    ['with a namespace in upper case', ['callers', 0, 'pod', 'namespace'], 'Default'],
    ['with a namespace with a dot', ['callers', 0, 'pod', 'namespace'], 'a.b'],
    ['with a node that is a wildcard', ['callers', 0, 'node'], '*'],
    ['with a target without a uid', ['items', 0, 'target', 'uid'], undefined],
  ])('%s', (_, path, value) => {
    expect(() => decodeBatchRequest(changed(path, value))).toThrow(malformed);
  });

  it('for the bad item at every place, by its place and without its content', () => {
    for (let bad = 0; bad < MAX_ITEMS; bad++) {
      const items = Array.from({ length: MAX_ITEMS }, (__, index) => ({
        ...valid.items[0],
        id: `r-${index}`,
        ...(index === bad ? { csr: 'secret!' } : {}),
      }));
      const decode = () => decodeBatchRequest(utf8(JSON.stringify({ ...valid, items })));
      expect(decode).toThrow(new WireError('body-malformed', `.items[${bad}].csr does not have its form`));
    }
  });

  it('with more than 64 items', () => {
    const items = Array.from({ length: MAX_ITEMS + 1 }, (__, index) => ({ ...valid.items[0], id: `r-${index}` }));
    expect(() => decodeBatchRequest(utf8(JSON.stringify({ ...valid, items })))).toThrow(malformed);
  });

  it('that is no JSON, no UTF-8, nested ten thousand deep, or has text behind it', () => {
    const text = JSON.stringify(valid);
    for (const body of ['', 'null', '[]', `${text}x`, `${'['.repeat(10_000)}${']'.repeat(10_000)}`, `\uFEFF${text}`]) {
      expect(() => decodeBatchRequest(utf8(body)), body.slice(0, 20)).toThrow(malformed);
    }
    expect(() => decodeBatchRequest(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(malformed);
  });

  it('longer than the limit, before it is parsed', () => {
    const tooLarge = expect.objectContaining({ code: 'body-too-large' });
    expect(() => decodeBatchRequest(new Uint8Array(MAX_BATCH_BYTES + 1))).toThrow(tooLarge);
    expect(() => decodeTrustRequest(new Uint8Array(MAX_TRUST_REQUEST_BYTES + 1))).toThrow(tooLarge);
  });

  it('or read with the meaning it has, whatever single byte is changed', () => {
    const body = utf8(JSON.stringify(valid));
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.nat(255), (index, byte) => {
        const mutated = body.slice();
        mutated[index] = byte;
        try {
          const read = decodeBatchRequest(mutated);
          expect(Object.keys(read)).toEqual(Object.keys(valid));
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
    );
  });
});

describe('a batch answer is refused', () => {
  const answer = {
    version: 1,
    time: 1,
    epoch: 1,
    bundleVersion: 1,
    boot: 'bootboot',
    items: [{ id: 'r-1', status: 'refused', code: 'policy', reason: 'no' }],
  };
  it.each([
    ['with an unknown status', { id: 'r-1', status: 'maybe' }],
    ['with a status named constructor', { id: 'r-1', status: 'constructor' }],
    ['with an unknown code', { id: 'r-1', status: 'refused', code: 'because', reason: '' }],
    ['with the members of two statuses', { id: 'r-1', status: 'token-needed', retryAfterMs: 1 }],
    ['with a line break in a reason', { id: 'r-1', status: 'refused', code: 'policy', reason: 'a\nb' }],
    ['with an endless wait', { id: 'r-1', status: 'wait', retryAfterMs: 1e12 }],
  ])('%s', (_, item) => {
    expect(() => decodeBatchAnswer(utf8(JSON.stringify({ ...answer, items: [item] })))).toThrow(
      expect.objectContaining({ code: 'body-malformed' }),
    );
  });
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeFields, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from './protobuf.ts';

describe('the codec of the tests', () => {
  test('reads back every request it writes', () => {
    const request = fc.record({
      csr: fc.string({ unit: 'binary' }),
      validityDuration: fc.integer({ min: -1, max: 1_000_000_000 }),
      metadata: fc.dictionary(fc.stringMatching(/^[A-Za-z]{1,12}$/), fc.string({ unit: 'binary' }), {
        noNullPrototype: true,
      }),
    });
    fc.assert(
      fc.property(request, (sent) => {
        expect(decodeRequest(encodeRequest(sent))).toEqual(sent);
      }),
    );
  });

  test('reads back every response it writes', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (chain) => {
        expect(decodeResponse(encodeResponse(chain))).toEqual(chain);
      }),
    );
  });

  test('writes the bytes of prost for a shared-mode request', () => {
    const bytes = encodeRequest({ csr: 'c', validityDuration: 86_400, metadata: { ImpersonatedIdentity: 'i' } });
    const key = Buffer.from('ImpersonatedIdentity').toString('hex');
    expect(bytes.toString('hex')).toBe(`0a01631880a305221d0a1b0a14${key}12031a0169`);
  });

  test('refuses what is cut short', () => {
    const whole = encodeRequest({ csr: 'abc', validityDuration: 5 });
    expect(() => decodeFields(whole.subarray(0, whole.length - 1))).toThrow('truncated');
    expect(() => decodeFields(whole.subarray(0, 3))).toThrow('truncated');
  });
});

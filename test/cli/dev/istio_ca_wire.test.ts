import { array, assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeResponse, encodeRequest } from '../../../cli/src/dev/istio_ca_wire.ts';

describe('the request', () => {
  test('is the protobuf a generated client writes', () => {
    const bytes = encodeRequest({ csr: 'ab', validitySeconds: 86_400, impersonatedIdentity: 'spiffe://t' });
    const entry = '0a14' + hex('ImpersonatedIdentity') + '120c1a0a' + hex('spiffe://t');
    const struct = '0a24' + entry;
    expect(bytes.toString('hex')).toBe('0a02' + hex('ab') + '1880a3052226' + struct);
  });

  test('has no metadata when nobody is impersonated', () => {
    const bytes = encodeRequest({ csr: 'ab', validitySeconds: 0, impersonatedIdentity: null });
    expect(bytes.toString('hex')).toBe('0a0261621800');
  });
});

describe('the answer', () => {
  test('gives back every element, whatever its length', () => {
    assert(
      property(array(string({ maxLength: 400 })), (chain) => {
        expect(decodeResponse(Buffer.concat(chain.map(element)))).toEqual(chain);
      }),
    );
  });

  test('cut off anywhere inside an element is refused', () => {
    const bytes = element('x'.repeat(200));
    for (let end = 1; end < bytes.length; end++)
      expect(() => decodeResponse(bytes.subarray(0, end))).toThrow('cut off');
  });

  test('with a field that is not its own is refused', () => {
    expect(() => decodeResponse(Buffer.from([0x12, 0x00]))).toThrow('unexpected field');
  });
});

/** One `cert_chain` field. */
function element(text: string): Buffer {
  const content = Buffer.from(text);
  const length: number[] = [];
  let rest = content.length;
  for (; rest > 0x7f; rest >>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([0x0a, ...length, rest]), content]);
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

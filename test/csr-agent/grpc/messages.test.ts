import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRequest, encodeResponse } from '../../../csr-agent/src/grpc/messages.ts';
import { bytesField, decodeFields, encodeRequest, varint } from '../../support/wire/protobuf.ts';

const reason = (bytes: Uint8Array): string | null => {
  const decoded = decodeRequest(bytes);
  return decoded.ok ? null : decoded.reason;
};
const whole = encodeRequest({
  csr: 'the CSR',
  validityDuration: 86_400,
  metadata: { ImpersonatedIdentity: 'spiffe://td/ns/n/sa/s', CertSigner: '' },
});

describe('an IstioCertificateRequest', () => {
  it('reads back whatever a client writes', () => {
    const identity = fc.option(fc.string({ unit: 'binary', minLength: 1 }), { nil: null });
    const seconds = fc.integer({ min: -(2 ** 31), max: 2 ** 40 });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), seconds, identity, (csr, validityDuration, impersonatedIdentity) => {
        const metadata = impersonatedIdentity === null ? {} : { ImpersonatedIdentity: impersonatedIdentity };
        expect(decodeRequest(encodeRequest({ csr, validityDuration, metadata }))).toEqual({
          ok: true,
          value: { csr, validityDuration, impersonatedIdentity },
        });
      }),
    );
  });

  it.each([
    ['the smallest', -(2n ** 63n), -(2 ** 63)],
    ['the greatest', 2n ** 63n - 1n, 2 ** 63],
    ['minus one', -1n, -1],
  ])('takes %s int64 as a number', (_, wire, expected) => {
    const decoded = decodeRequest(Buffer.concat([varint(3 * 8), varint(wire)]));
    expect(decoded).toMatchObject({ ok: true, value: { validityDuration: expected } });
  });

  it('without anything asks for itself with the default life', () => {
    expect(decodeRequest(new Uint8Array())).toEqual({
      ok: true,
      value: { csr: '', validityDuration: 0, impersonatedIdentity: null },
    });
  });

  it('with an empty ImpersonatedIdentity, or an empty CertSigner as pilot-agent sends it, asks for itself', () => {
    for (const metadata of [{ ImpersonatedIdentity: '' }, { CertSigner: '' }, {}]) {
      const decoded = decodeRequest(encodeRequest({ csr: 'x', validityDuration: 0, metadata }));
      expect(decoded).toMatchObject({ ok: true, value: { impersonatedIdentity: null } });
    }
  });

  it('with fields that are not known yet is read without them', () => {
    const unknown = [
      bytesField(9, 'new'),
      Buffer.concat([varint(10 * 8), varint(7)]),
      Buffer.concat([varint(11 * 8 + 1), Buffer.alloc(8)]),
      Buffer.concat([varint(12 * 8 + 5), Buffer.alloc(4)]),
    ];
    expect(decodeRequest(Buffer.concat([...unknown, whole]))).toEqual(decodeRequest(whole));
  });
});

const stringValue = (text: string) => bytesField(2, bytesField(3, text));
const member = (key: string, text: string) => bytesField(1, Buffer.concat([bytesField(1, key), stringValue(text)]));

describe('refused', () => {
  it.each([
    ['a CSR that comes twice', Buffer.concat([whole, bytesField(1, 'another')]), /twice/],
    ['metadata that comes twice', Buffer.concat([whole, bytesField(4, member('CertSigner', ''))]), /twice/],
    ['a member that comes twice', bytesField(4, Buffer.concat([member('a', ''), member('a', '')])), /repeated/],
    [
      'a value that comes twice',
      bytesField(4, bytesField(1, Buffer.concat([stringValue('a'), stringValue('b')]))),
      /./,
    ],
    ['a number where the CSR should be', Buffer.concat([varint(8), varint(1)]), /number where text/],
    ['text where the duration should be', bytesField(3, 'x'), /an int64 is expected/],
    ['a CSR that is not UTF-8', bytesField(1, Uint8Array.of(0xff)), /UTF-8/],
    ['a member that is a number', bytesField(4, bytesField(1, Buffer.concat([bytesField(1, 'CertSigner'), bytesField(2, Uint8Array.of(0x11, ...Array(8).fill(0)))]))), /not text/], // prettier-ignore
    ['a member without a value', bytesField(4, bytesField(1, bytesField(1, 'CertSigner'))), /not text/],
    ['a CertSigner', encodeRequest({ csr: '', validityDuration: 0, metadata: { CertSigner: 'x' } }), /one signer/],
    ['a key that is not known', encodeRequest({ csr: '', validityDuration: 0, metadata: { other: '' } }), /not known/],
    [
      '__proto__ as a key',
      encodeRequest({ csr: '', validityDuration: 0, metadata: { ['__proto__']: '' } }),
      /not known/,
    ],
    ['a length beyond its message', Uint8Array.of(0x0a, 0x05, 0x41), /ends after/],
    ['a length of 2^64 - 1', Uint8Array.of(0x0a, ...Array(9).fill(0xff), 0x01), /ends after/],
    ['a varint without an end', Uint8Array.of(0x18, 0xff), /cut off/],
    ['a varint of eleven octets', Uint8Array.of(0x18, ...Array(10).fill(0xff), 0x01), /ten octets/],
    ['four octets of a fixed size for the CSR', Uint8Array.of(0x0d, 0x41, 0x41, 0x41, 0x41), /text is expected/],
    [
      'eight octets of a fixed size for the metadata',
      Uint8Array.of(0x21, ...Array(8).fill(0x0a)),
      /message is expected/,
    ],
    ['a fixed size for the lifetime', Uint8Array.of(0x1d, 1, 0, 0, 0), /int64 is expected/],
    ['a group', Uint8Array.of(0x0b, 0x0c), /wire type/],
    ['field zero', Uint8Array.of(0x02, 0x00), /out of range/],
  ] as [string, Uint8Array, RegExp][])('%s', (_, bytes, expected) => {
    expect(reason(bytes)).toMatch(expected);
  });

  it('cut off at any octet within a field', () => {
    const kept = Array.from(whole, (_, length) => whole.subarray(0, length)).filter((part) => reason(part) === null);
    expect(kept.map(({ length }) => length)).toEqual([0, 9, 13]);
  });

  it('never by an exception, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(typeof decodeRequest(bytes).ok).toBe('boolean');
      }),
    );
  });
});

it('an IstioCertificateResponse has each element as it is', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 300 })), (chain) => {
      const fields = decodeFields(encodeResponse(chain));
      expect(fields.map(({ number }) => number)).toEqual(chain.map(() => 1));
      expect(fields.map(({ value }) => Buffer.from(value as Uint8Array).toString())).toEqual(chain);
    }),
  );
});

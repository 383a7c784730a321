import { concat, fromHex } from '../../../pki/src/bytes.ts';
import { encodeOid } from '../../../pki/src/der/oid.ts';
import { contextTag, contextTagConstructed, TAG } from '../../../pki/src/der/tags.ts';
import { ia5String, namedBits, sequence, setOfOne, tlv, unsignedInteger } from '../../../pki/src/der/writer.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { extension, extensionRequest, identity, key, OID, rdn, san, uri, type Parts } from './samples.ts';

const good = uri(identity);
const asked = (...extensions: Uint8Array[]): Parts => ({ attributes: [extensionRequest(san(good), ...extensions)] });
const foreignName = (tag: number): Parts => ({
  attributes: [extensionRequest(san(good, ia5String('example.org', tag)))],
});
const rsa = generateNodeKey('rsa-2048');

/** A SubjectPublicKeyInfo of an RSA key with the given modulus length and exponent. */
function rsaSpki(bits: number, exponent: number[]): Uint8Array {
  const modulus = new Uint8Array(bits / 8).fill(0xff);
  const body = sequence(unsignedInteger(modulus), unsignedInteger(Uint8Array.from(exponent)));
  return sequence(fromHex('300d06092a864886f70d0101010500'), tlv(TAG.bitString, Uint8Array.of(0), body));
}

/** What differs from a good CSR, and the code it is refused with. `test/vectors/csr/refused` holds one file for each. */
export const refusals: [claim: string, parts: Parts, code: string][] = [
  ['an otherName beside the URI', foreignName(contextTagConstructed(0)), 'csr-san'],
  ['an e-mail beside the URI', foreignName(contextTag(1)), 'csr-san'],
  ['a DNS name beside the URI', foreignName(contextTag(2)), 'csr-san'],
  ['an x400Address beside the URI', foreignName(contextTagConstructed(3)), 'csr-san'],
  ['a directoryName beside the URI', foreignName(contextTagConstructed(4)), 'csr-san'],
  ['an ediPartyName beside the URI', foreignName(contextTagConstructed(5)), 'csr-san'],
  ['a second URI', foreignName(contextTag(6)), 'csr-san'],
  ['an IP address beside the URI', foreignName(contextTag(7)), 'csr-san'],
  ['a registeredID beside the URI', foreignName(contextTag(8)), 'csr-san'],
  ['the same URI twice', { attributes: [extensionRequest(san(good, good))] }, 'csr-san'],
  ['a DNS name alone', { attributes: [extensionRequest(san(ia5String('example.org', contextTag(2))))] }, 'csr-san'],
  [
    'a DNS name before the URI',
    { attributes: [extensionRequest(san(ia5String('a.b', contextTag(2)), good))] },
    'csr-san',
  ],
  ['an empty subjectAltName', { attributes: [extensionRequest(san())] }, 'csr-san'],
  ['two subjectAltNames', { attributes: [extensionRequest(san(good), san(good))] }, 'csr-extension'],
  ['CA:TRUE', asked(extension(OID.basicConstraints, sequence(Uint8Array.of(1, 1, 0xff)))), 'csr-ca'],
  ['CA:FALSE written out', asked(extension(OID.basicConstraints, sequence(Uint8Array.of(1, 1, 0)))), 'csr-ca'],
  ['a path length', asked(extension(OID.basicConstraints, sequence(Uint8Array.of(2, 1, 0)))), 'csr-ca'],
  ['keyCertSign', asked(extension(OID.keyUsage, namedBits(1 << 5))), 'csr-key-usage'],
  ['cRLSign', asked(extension(OID.keyUsage, namedBits(1 << 6))), 'csr-key-usage'],
  [
    'any extended key usage',
    asked(extension(OID.extendedKeyUsage, sequence(encodeOid('2.5.29.37.0')))),
    'csr-key-usage',
  ],
  ['codeSigning', asked(extension(OID.extendedKeyUsage, sequence(encodeOid('1.3.6.1.5.5.7.3.3')))), 'csr-key-usage'],
  ['an extended key usage without purpose', asked(extension(OID.extendedKeyUsage, sequence())), 'der-value'],
  ['a subject key identifier', asked(extension(OID.subjectKeyIdentifier, Uint8Array.of(4, 1, 1))), 'csr-extension'],
  [
    'an extension with an OID arc above 2^53',
    asked(extension(encodeOid('2.25.340282366920938463463374607431768211455'), Uint8Array.of(5, 0))),
    'csr-extension',
  ],
  [
    'a critical FALSE written out',
    {
      attributes: [
        extensionRequest(sequence(OID.subjectAltName, Uint8Array.of(1, 1, 0), tlv(TAG.octetString, sequence(good)))),
      ],
    },
    'der-value',
  ],
  [
    'a critical that is neither 00 nor FF',
    {
      attributes: [
        extensionRequest(sequence(OID.subjectAltName, Uint8Array.of(1, 1, 1), tlv(TAG.octetString, sequence(good)))),
      ],
    },
    'der-value',
  ],
  [
    'an extension value with bytes after it',
    {
      attributes: [
        extensionRequest(sequence(OID.subjectAltName, tlv(TAG.octetString, sequence(good), Uint8Array.of(5, 0)))),
      ],
    },
    'der-trailing',
  ],
  [
    'a challenge password',
    { attributes: [sequence(OID.challengePassword, setOfOne(ia5String('x', TAG.utf8String)))] },
    'csr-attribute',
  ],
  [
    'the extension request twice',
    { attributes: [extensionRequest(san(good)), extensionRequest(san(good))] },
    'csr-attribute',
  ],
  [
    'an extension request of two values',
    { attributes: [sequence(OID.extensionRequest, tlv(TAG.set, sequence(san(good)), sequence(san(good))))] },
    'csr-attribute',
  ],
  ['an extension request of no value', { attributes: [sequence(OID.extensionRequest, tlv(TAG.set))] }, 'der-truncated'],
  ['an extension request of no extension', { attributes: [extensionRequest()] }, 'csr-extension'],
  ['a common name', { subject: sequence(rdn(OID.commonName, 'example.org')) }, 'csr-subject'],
  ['an organization with a name', { subject: sequence(rdn(OID.organization, 'x')) }, 'csr-subject'],
  ['O="" and a common name', { subject: sequence(rdn(OID.organization, ''), rdn(OID.commonName, 'x')) }, 'csr-subject'],
  ['an empty common name', { subject: sequence(rdn(OID.commonName, '')) }, 'csr-subject'],
  ['version 2', { version: unsignedInteger(Uint8Array.of(1)) }, 'csr-version'],
  [
    'a P-521 key',
    { spki: fromHex(`30819b301006072a8648ce3d020106052b8104002303818600${'04'.repeat(133)}`) },
    'key-type',
  ],
  ['an Ed25519 key', { spki: fromHex(`302a300506032b6570032100${'11'.repeat(32)}`) }, 'key-type'],
  [
    'a compressed point',
    { spki: fromHex(`3039301306072a8648ce3d020106082a8648ce3d030107032200${'02'.repeat(33)}`) },
    'key-type',
  ],
  [
    'explicit curve parameters',
    {
      spki: sequence(sequence(encodeOid('1.2.840.10045.2.1'), sequence()), tlv(TAG.bitString, Uint8Array.of(0, 4, 1))),
    },
    'key-type',
  ],
  ['a point out of range', { spki: concat(key.spki.subarray(0, 27), new Uint8Array(64).fill(0xff)) }, 'key-encoding'],
  ['an RSA key of 1024 bits', { spki: rsaSpki(1024, [1, 0, 1]) }, 'key-size'],
  ['an RSA key of 8192 bits', { spki: rsaSpki(8192, [1, 0, 1]) }, 'key-size'],
  ['an RSA exponent of 3', { spki: rsaSpki(2048, [3]) }, 'key-size'],
  ['an even RSA exponent', { spki: rsaSpki(2048, [1, 0, 0]) }, 'key-size'],
  ['a signature with SHA-1', { algorithm: fromHex('300906072a8648ce3d0401') }, 'csr-signature-algorithm'],
  ['a signature with SHA-512', { algorithm: fromHex('300a06082a8648ce3d040304') }, 'csr-signature-algorithm'],
  ['ECDSA with NULL parameters', { algorithm: fromHex('300c06082a8648ce3d0403020500') }, 'csr-signature-algorithm'],
  [
    'an RSA signature under an EC key',
    { algorithm: fromHex('300d06092a864886f70d01010b0500') },
    'csr-signature-algorithm',
  ],
  ['an ECDSA signature under an RSA key', { spki: rsa.spki }, 'csr-signature-algorithm'],
  ['a fourth field', { afterInfo: [Uint8Array.of(5, 0)] }, 'der-trailing'],
];

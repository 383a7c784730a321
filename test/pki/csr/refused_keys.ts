import { concat, fromHex } from '../../../pki/src/bytes.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { encodeOid } from '../../../pki/src/der/oid.ts';
import { TAG } from '../../../pki/src/der/tags.ts';
import { sequence, tlv, unsignedInteger } from '../../../pki/src/der/writer.ts';
import { key, type Refusal } from './samples.ts';

const rsa = generateNodeKey('rsa-2048');

/** A SubjectPublicKeyInfo of an RSA key with the given modulus length and exponent. */
function rsaSpki(bits: number, exponent: number[], algorithm = '300d06092a864886f70d0101010500'): Uint8Array {
  const modulus = new Uint8Array(Math.ceil(bits / 8)).fill(0xff);
  if (bits % 8 !== 0) modulus[0] = (1 << (bits % 8)) - 1;
  const body = sequence(unsignedInteger(modulus), unsignedInteger(Uint8Array.from(exponent)));
  return sequence(fromHex(algorithm), tlv(TAG.bitString, Uint8Array.of(0), body));
}

/** rsaEncryption and any bits. */
const rsaBits = (...bits: Uint8Array[]): Uint8Array =>
  sequence(fromHex('300d06092a864886f70d0101010500'), tlv(TAG.bitString, Uint8Array.of(0), ...bits));
const rsaKey = (modulus: Uint8Array, exponent: Uint8Array): Uint8Array =>
  rsaBits(sequence(tlv(TAG.integer, modulus), tlv(TAG.integer, exponent)));
const modulus = unsignedInteger(new Uint8Array(256).fill(0xff));
const exponent = unsignedInteger(Uint8Array.of(1, 0, 1));

/** AlgorithmIdentifier below 1.2.840.113549.1.1: the last arc, then the parameters. */
const rsaAlgorithm = (tail: string): Uint8Array => sequence(fromHex(`06092a864886f70d0101${tail}`));

/** Keys and signature algorithms that are refused. */
export const keyRefusals: Refusal[] = [
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
  ['a hybrid point', { spki: concat(key.spki.subarray(0, 26), Uint8Array.of(6), key.spki.subarray(27)) }, 'key-type'],
  ['the point at infinity', { spki: sequence(key.spki.subarray(2, 23), Uint8Array.of(3, 2, 0, 0)) }, 'key-type'],
  [
    'a point of which y is out of range',
    { spki: concat(key.spki.subarray(0, 59), new Uint8Array(32).fill(0xff)) },
    'key-encoding',
  ],
  ['a point out of range', { spki: concat(key.spki.subarray(0, 27), new Uint8Array(64).fill(0xff)) }, 'key-encoding'],
  ['an RSA key of 1024 bits', { spki: rsaSpki(1024, [1, 0, 1]) }, 'key-size'],
  ['an RSA key of 8192 bits', { spki: rsaSpki(8192, [1, 0, 1]) }, 'key-size'],
  ['an RSA key of 2047 bits', { spki: rsaSpki(2047, [1, 0, 1]) }, 'key-size'],
  ['an RSA key of 4097 bits', { spki: rsaSpki(4097, [1, 0, 1]) }, 'key-size'],
  ['a modulus of zero', { spki: rsaKey(Uint8Array.of(0), Uint8Array.of(1, 0, 1)) }, 'key-size'],
  ['a negative modulus', { spki: rsaKey(new Uint8Array(256).fill(0xfe), Uint8Array.of(1, 0, 1)) }, 'key-encoding'],
  [
    'an even modulus',
    { spki: rsaKey(concat(Uint8Array.of(0), new Uint8Array(256).fill(0xfe)), Uint8Array.of(1, 0, 1)) },
    'key-encoding',
  ],
  ['an RSA exponent of 72 bits', { spki: rsaSpki(2048, [1, 0, 0, 0, 0, 0, 0, 0, 1]) }, 'key-size'],
  ['an RSA exponent of 3', { spki: rsaSpki(2048, [3]) }, 'key-size'],
  ['an even RSA exponent above 65537', { spki: rsaSpki(2048, [1, 0, 2]) }, 'key-size'],
  ['an RSA key of three integers', { spki: rsaBits(sequence(modulus, exponent, exponent)) }, 'der-trailing'],
  ['bytes after an RSA key', { spki: rsaBits(sequence(modulus, exponent), Uint8Array.of(5, 0)) }, 'der-trailing'],
  ['a key of three fields', { spki: sequence(rsa.spki.subarray(4), Uint8Array.of(5, 0)) }, 'der-trailing'],
  ['an even RSA exponent', { spki: rsaSpki(2048, [1, 0, 0]) }, 'key-size'],
  ['an RSA key with PSS parameters', { spki: rsaSpki(2048, [1, 0, 1], '300b06092a864886f70d01010a') }, 'key-type'],
  ['an RSA key without NULL', { spki: rsaSpki(2048, [1, 0, 1], '300b06092a864886f70d010101') }, 'key-type'],
  ['a signature with RSA-PSS', { spki: rsa.spki, algorithm: rsaAlgorithm('0a0500') }, 'csr-signature-algorithm'],
  ['an RSA signature with SHA-1', { spki: rsa.spki, algorithm: rsaAlgorithm('050500') }, 'csr-signature-algorithm'],
  ['an RSA signature with SHA-512', { spki: rsa.spki, algorithm: rsaAlgorithm('0d0500') }, 'csr-signature-algorithm'],
  ['an RSA signature without NULL', { spki: rsa.spki, algorithm: rsaAlgorithm('0b') }, 'csr-signature-algorithm'],
  ['a signature with SHA-1', { algorithm: fromHex('300906072a8648ce3d0401') }, 'csr-signature-algorithm'],
  ['a signature with SHA-512', { algorithm: fromHex('300a06082a8648ce3d040304') }, 'csr-signature-algorithm'],
  ['ECDSA with NULL parameters', { algorithm: fromHex('300c06082a8648ce3d0403020500') }, 'csr-signature-algorithm'],
  [
    'an RSA signature under an EC key',
    { algorithm: fromHex('300d06092a864886f70d01010b0500') },
    'csr-signature-algorithm',
  ],
  ['an ECDSA signature under an RSA key', { spki: rsa.spki }, 'csr-signature-algorithm'],
];

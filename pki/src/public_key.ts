import { equal, fromHex } from './bytes.ts';
import { DerReader } from './der/reader.ts';
import { TAG } from './der/tags.ts';
import { PkiError } from './errors.ts';
import { isRoca } from './roca.ts';

/** What a SubjectPublicKeyInfo holds, of the kinds that every verifier of a mesh accepts. */
export type PublicKeyInfo =
  | { readonly kind: 'ec'; readonly curve: 'P-256' | 'P-384' }
  | { readonly kind: 'rsa'; readonly bits: number; readonly exponent: bigint };

/** A SubjectPublicKeyInfo of an uncompressed point begins with the same bytes for each curve (RFC 5480 §2). */
const EC_KEYS = [
  {
    curve: 'P-256',
    prefix: fromHex('3059301306072a8648ce3d020106082a8648ce3d03010703420004'),
    length: 91,
    prime: fromHex('ffffffff00000001000000000000000000000000ffffffffffffffffffffffff'),
  },
  {
    curve: 'P-384',
    prefix: fromHex('3076301006072a8648ce3d020106052b8104002203620004'),
    length: 120,
    prime: fromHex('fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff'),
  },
] as const;

/** rsaEncryption with NULL parameters (RFC 3279 §2.3.1). */
const RSA_ALGORITHM = fromHex('300d06092a864886f70d0101010500');

const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 4096;
const MIN_RSA_EXPONENT = 65537n;

/**
 * Reads a SubjectPublicKeyInfo strictly: P-256 and P-384 as uncompressed points, RSA of 2048 to 4096 bits with an odd
 * exponent of at least 65537. That a point lies on its curve is left to the crypto port, which refuses one that does not.
 *
 * @throws PkiError `key-type`, `key-size`, `key-encoding`, `key-weak`
 */
export function parsePublicKey(spki: Uint8Array): PublicKeyInfo {
  for (const { curve, prefix, length, prime } of EC_KEYS) {
    if (spki.length !== length || !equal(spki.subarray(0, prefix.length), prefix)) continue;
    const size = prime.length;
    const x = spki.subarray(length - 2 * size, length - size);
    const y = spki.subarray(length - size);
    if (!below(x, prime) || !below(y, prime)) throw new PkiError('key-encoding', `${curve} point out of range`);
    return { kind: 'ec', curve };
  }
  return parseRsa(spki);
}

function parseRsa(spki: Uint8Array): PublicKeyInfo {
  const outer = DerReader.of(spki);
  const info = outer.enter(TAG.sequence);
  outer.end('SubjectPublicKeyInfo');
  if (!equal(info.element(TAG.sequence), RSA_ALGORITHM)) {
    throw new PkiError('key-type', 'key that is neither P-256, P-384 (uncompressed, named curve) nor RSA');
  }
  const key = DerReader.of(info.octetAlignedBits());
  info.end('the key');
  const rsa = key.enter(TAG.sequence);
  key.end('RSAPublicKey');
  const modulus = positive(rsa.integer());
  const exponentBytes = positive(rsa.integer());
  rsa.end('RSAPublicKey');
  const bits = bitLength(modulus);
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
    throw new PkiError('key-size', `RSA key of ${bits} bits, expected ${MIN_RSA_BITS} to ${MAX_RSA_BITS}`);
  }
  if (((modulus[modulus.length - 1] ?? 0) & 1) === 0) throw new PkiError('key-encoding', 'RSA modulus that is even');
  if (isRoca(modulus))
    throw new PkiError('key-weak', 'RSA modulus that a faulty chip made (ROCA) and others can factor');
  if (exponentBytes.length > 8) throw new PkiError('key-size', 'RSA exponent of more than 64 bits');
  const exponent = exponentBytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  if (exponent < MIN_RSA_EXPONENT || (exponent & 1n) === 0n) {
    throw new PkiError('key-size', 'RSA exponent that is even or below 65537');
  }
  return { kind: 'rsa', bits, exponent };
}

/** Magnitude of a positive INTEGER, without its sign octet. */
function positive(content: Uint8Array): Uint8Array {
  const first = content[0] ?? 0;
  if (first >= 0x80) throw new PkiError('key-encoding', 'RSA integer that is negative');
  return first === 0 ? content.subarray(1) : content;
}

function bitLength(magnitude: Uint8Array): number {
  return magnitude.length === 0 ? 0 : magnitude.length * 8 - Math.clz32(magnitude[0] ?? 0) + 24;
}

function below(value: Uint8Array, limit: Uint8Array): boolean {
  for (let i = 0; i < limit.length; i++) {
    const difference = (value[i] ?? 0) - (limit[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

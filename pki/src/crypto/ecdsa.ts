import { concat } from '../bytes.ts';
import { DerReader } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';
import { sequence, unsignedInteger } from '../der/writer.ts';
import { PkiError } from '../errors.ts';

/** r and s of fixed size side by side, as WebCrypto, JOSE and RFC 9421 write a signature, in the DER of X.509 (RFC 3279 §2.2.3). */
export function ecdsaRawToDer(raw: Uint8Array): Uint8Array {
  const size = raw.length / 2;
  return sequence(unsignedInteger(raw.subarray(0, size)), unsignedInteger(raw.subarray(size)));
}

/**
 * The other way, strictly: minimal positive integers and nothing after them.
 *
 * @param size octets of r and of s: 32 for P-256, 48 for P-384
 * @throws PkiError when it is not the DER of two integers of at most that size
 */
export function ecdsaDerToRaw(der: Uint8Array, size: number): Uint8Array {
  const outer = DerReader.of(der, 128);
  const pair = outer.enter(TAG.sequence);
  outer.end('ECDSA signature');
  const raw = concat(fixed(pair.integer(), size), fixed(pair.integer(), size));
  pair.end('ECDSA signature');
  return raw;
}

function fixed(integer: Uint8Array, size: number): Uint8Array {
  const magnitude = integer[0] === 0 ? integer.subarray(1) : integer;
  if ((integer[0] ?? 0) >= 0x80 || magnitude.length === 0 || magnitude.length > size) {
    throw new PkiError('der-value', 'ECDSA integer that is zero, negative or too large');
  }
  const padded = new Uint8Array(size);
  padded.set(magnitude, size - magnitude.length);
  return padded;
}

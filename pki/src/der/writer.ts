import { concat, utf8 } from '../bytes.ts';
import { TAG } from './tags.ts';

/** Tag, minimal definite length and the parts as content. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  return concat(derHeader(tag, length), ...parts);
}

/** Identifier and length octets for a content of `length` bytes. */
export function derHeader(tag: number, length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(tag, length);
  if (length < 0x100) return Uint8Array.of(tag, 0x81, length);
  if (length < 0x10000) return Uint8Array.of(tag, 0x82, length >> 8, length & 0xff);
  return Uint8Array.of(tag, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff);
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => tlv(TAG.sequence, ...parts);
export const octetString = (...parts: readonly Uint8Array[]): Uint8Array => tlv(TAG.octetString, ...parts);
export const ia5String = (text: string, tag: number = TAG.ia5String): Uint8Array => tlv(tag, utf8(text));

/** SET OF with one element, so that no order has to be made. */
export const setOfOne = (element: Uint8Array): Uint8Array => tlv(TAG.set, element);

/** Non-negative INTEGER from big-endian magnitude octets. */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const trimmed = magnitude.subarray(start);
  if (trimmed.length === 0) return Uint8Array.of(TAG.integer, 1, 0);
  return (trimmed[0] ?? 0) >= 0x80 ? tlv(TAG.integer, Uint8Array.of(0), trimmed) : tlv(TAG.integer, trimmed);
}

/** BIT STRING of whole octets. */
export const octetAlignedBits = (octets: Uint8Array): Uint8Array => tlv(TAG.bitString, Uint8Array.of(0), octets);

/** BIT STRING of named bits from a mask, bit n as `1 << n`, without trailing zero bits (X.690 §11.2.2). */
export function namedBits(mask: number): Uint8Array {
  const octets = [0, 0];
  let highest = -1;
  for (let bit = 0; bit < 16; bit++) {
    if ((mask & (1 << bit)) === 0) continue;
    octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
    highest = bit;
  }
  if (highest < 0) return tlv(TAG.bitString, Uint8Array.of(0));
  const used = (highest >> 3) + 1;
  return tlv(TAG.bitString, Uint8Array.of(7 - (highest & 7)), Uint8Array.from(octets.slice(0, used)));
}

/** X.690 §11.1: TRUE is FF. FALSE is not written: where we use BOOLEAN, FALSE is the default. */
export const DER_TRUE = Uint8Array.of(TAG.boolean, 1, 0xff);
export const DER_NULL = Uint8Array.of(TAG.null, 0);

import { PkiError } from '../errors.ts';
import { TAG } from './tags.ts';
import { tlv } from './writer.ts';

/** Longest content of an OID we look at; the longest we know of has eleven octets. */
const MAX_OID_BYTES = 64;

/**
 * Dotted form of the content of an OBJECT IDENTIFIER (X.690 §8.19). Arcs may be of any size up to the cap, as a number
 * never rounded: 2.25 arcs are 128 bits long.
 */
export function decodeOid(content: Uint8Array): string {
  if (content.length === 0) throw new PkiError('der-value', 'OBJECT IDENTIFIER without content');
  if (content.length > MAX_OID_BYTES) {
    throw new PkiError('der-value', `OBJECT IDENTIFIER of ${content.length} octets, expected at most ${MAX_OID_BYTES}`);
  }
  let dotted = '';
  let arc: number | bigint = 0;
  let fresh = true;
  for (const octet of content) {
    if (fresh && octet === 0x80) throw new PkiError('der-value', 'OBJECT IDENTIFIER with an arc that is not minimal');
    arc = appendSeptet(arc, octet & 0x7f);
    fresh = octet < 0x80;
    if (!fresh) continue;
    dotted += dotted === '' ? firstTwo(arc) : `.${arc}`;
    arc = 0;
  }
  if (!fresh) throw new PkiError('der-truncated', 'OBJECT IDENTIFIER that ends within an arc');
  return dotted;
}

/** Numbers as long as they are exact: nearly every arc there is, and much cheaper. */
function appendSeptet(arc: number | bigint, septet: number): number | bigint {
  if (typeof arc === 'number' && arc < 2 ** 46) return arc * 128 + septet;
  return (BigInt(arc) << 7n) | BigInt(septet);
}

/** The first two arcs share one number (X.690 §8.19.4). */
function firstTwo(head: number | bigint): string {
  const first = head < 40 ? 0 : head < 80 ? 1 : 2;
  return `${first}.${typeof head === 'number' ? head - first * 40 : head - BigInt(first * 40)}`;
}

/** An OBJECT IDENTIFIER element from its dotted form; for constants, so it trusts its input. */
export function encodeOid(dotted: string): Uint8Array {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  const octets = [first * 40n + second, ...rest].flatMap((arc) => {
    const septets = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) septets.unshift(Number(left & 0x7fn) | 0x80);
    return septets;
  });
  return tlv(TAG.oid, Uint8Array.from(octets));
}

/** Byte arrays without a platform: pki, the Worker and the agent use the same few functions. */

import { PkiError } from './errors.ts';

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Decodes UTF-8 and refuses what is not; a lenient decoder would let two different inputs read the same. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch (cause) {
    throw new PkiError('bytes-encoding', 'not valid UTF-8', { cause });
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Equality of public values; not constant in time, so never for secrets. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const hexPairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += hexPairs[byte];
  return text;
}

export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new PkiError('bytes-encoding', 'expected pairs of hexadecimal digits');
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const alphabetUrl = `${alphabet.slice(0, 62)}-_`;
const values = reverse(alphabet);
const valuesUrl = reverse(alphabetUrl);

/** RFC 4648 §4, padded. */
export function toBase64(bytes: Uint8Array): string {
  const text = encode(bytes, alphabet);
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}

/** RFC 4648 §4: padded, one line, the unused bits of the last character zero. Anything else is refused. */
export function fromBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw new PkiError('bytes-encoding', 'base64 is not a multiple of four characters long');
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return decode(text, text.length - padding, values);
}

/** RFC 4648 §5, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return encode(bytes, alphabetUrl);
}

/** RFC 4648 §5: without padding, the unused bits of the last character zero. Anything else is refused. */
export function fromBase64Url(text: string): Uint8Array {
  return decode(text, text.length, valuesUrl);
}

function reverse(characters: string): Int8Array {
  const table = new Int8Array(128).fill(-1);
  for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)] = i;
  return table;
}

function encode(bytes: Uint8Array, characters: string): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const bits = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += characters.charAt(bits >>> 18) + characters.charAt((bits >>> 12) & 63);
    if (left > 1) text += characters.charAt((bits >>> 6) & 63);
    if (left > 2) text += characters.charAt(bits & 63);
  }
  return text;
}

function decode(text: string, length: number, table: Int8Array): Uint8Array {
  if (length % 4 === 1) throw new PkiError('bytes-encoding', 'base64 ends within a byte');
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  let bits = 0;
  let pending = 0;
  let offset = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    const value = code < 128 ? (table[code] ?? -1) : -1;
    if (value < 0) throw new PkiError('bytes-encoding', `base64 has a foreign character at position ${i}`);
    bits = ((bits << 6) | value) & 0xffffff;
    pending += 6;
    if (pending >= 8) {
      pending -= 8;
      bytes[offset++] = (bits >>> pending) & 0xff;
    }
  }
  if ((bits & ((1 << pending) - 1)) !== 0) throw new PkiError('bytes-encoding', 'base64 has stray bits at its end');
  return bytes;
}

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

/** What ES2026 gives byte arrays (tc39/proposal-arraybuffer-base64), as far as it is used; ten times as fast as script. */
interface Base64Options {
  readonly alphabet?: 'base64' | 'base64url';
  readonly omitPadding?: boolean;
  readonly lastChunkHandling?: 'strict';
}
interface Encodes {
  toHex(): string;
  toBase64(options?: Base64Options): string;
}
interface Decodes {
  fromHex(text: string): Uint8Array;
  fromBase64(text: string, options: Base64Options): Uint8Array;
}
const encodes = (bytes: Uint8Array): Encodes => bytes as unknown as Encodes;
const decodes = Uint8Array as unknown as Decodes;

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return encodes(bytes).toHex();
}

export function fromHex(text: string): Uint8Array {
  try {
    return decodes.fromHex(text);
  } catch (cause) {
    throw new PkiError('bytes-encoding', 'expected pairs of hexadecimal digits', { cause });
  }
}

/** RFC 4648 §4, padded. */
export function toBase64(bytes: Uint8Array): string {
  return encodes(bytes).toBase64();
}

/** RFC 4648 §4: padded, one line, the unused bits of the last character zero. Anything else is refused. */
export function fromBase64(text: string): Uint8Array {
  return decode(text, '', 'base64');
}

/** RFC 4648 §5, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return encodes(bytes).toBase64({ alphabet: 'base64url', omitPadding: true });
}

/** RFC 4648 §5: without padding, the unused bits of the last character zero. Anything else is refused. */
export function fromBase64Url(text: string): Uint8Array {
  return decode(text, '==='.slice((text.length + 3) % 4), 'base64url');
}

/** The platform's decoder skips white space, which would give one value many texts; the length that is left then tells. */
function decode(text: string, padding: string, alphabet: 'base64' | 'base64url'): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = decodes.fromBase64(text + padding, { alphabet, lastChunkHandling: 'strict' });
  } catch (cause) {
    throw new PkiError('bytes-encoding', `not ${alphabet}`, { cause });
  }
  const length = alphabet === 'base64' ? Math.ceil(bytes.length / 3) * 4 : Math.ceil((bytes.length * 4) / 3);
  if (text.length !== length) throw new PkiError('bytes-encoding', `${alphabet} with white space or wrong padding`);
  return bytes;
}

import { fromBase64, toBase64 } from './bytes.ts';
import { PkiError } from './errors.ts';

export interface PemLimits {
  /** Characters of the whole text; checked before anything is parsed. */
  readonly maxCharacters?: number;
  /** Blocks: exactly one unless told otherwise. */
  readonly minBlocks?: number;
  readonly maxBlocks?: number;
}

/** No line of the body may be empty: OpenSSL takes what stands above one for headers, and reads another body. */
const BLOCK =
  /^-----BEGIN ([A-Z0-9 ]+)-----\r?\n((?:[A-Za-z0-9+/=]+\r?\n)+)-----END ([A-Z0-9 ]+)-----[ \t]*(?:\r?\n|$)/;

/**
 * The DER of each block. Strict (RFC 7468 §3): only blocks of `label`, only blank lines between them, no headers. Ends
 * of line may be CRLF and the last one may be missing, as Go's and OpenSSL's writers and Windows editors leave them.
 *
 * @throws PkiError `pem-size`, `pem-label`, `pem-count`, `pem-format`
 */
export function decodePem(text: string, label: string, limits: PemLimits = {}): Uint8Array[] {
  const { maxCharacters = 64 * 1024, minBlocks = 1, maxBlocks = 1 } = limits;
  if (text.length > maxCharacters) {
    throw new PkiError('pem-size', `PEM of ${text.length} characters, expected at most ${maxCharacters}`);
  }
  const blocks: Uint8Array[] = [];
  let rest = skipBlankLines(text);
  while (rest.length > 0) {
    const match = BLOCK.exec(rest);
    if (match === null) throw new PkiError('pem-format', `expected a PEM block "${label}" and nothing around it`);
    const [whole, begin, body = '', end] = match;
    if (begin !== end || begin !== label) {
      throw new PkiError('pem-label', `PEM block "${begin}", expected "${label}"`);
    }
    if (blocks.length === maxBlocks) throw new PkiError('pem-count', `more than ${maxBlocks} PEM blocks`);
    try {
      blocks.push(fromBase64(body.replaceAll(/[\r\n]/g, '')));
    } catch (cause) {
      throw new PkiError('pem-format', `PEM block "${label}" whose content is not base64`, { cause });
    }
    rest = skipBlankLines(rest.slice(whole.length));
  }
  if (blocks.length < minBlocks) {
    throw new PkiError('pem-count', `${blocks.length} PEM blocks "${label}", expected at least ${minBlocks}`);
  }
  return blocks;
}

/** Blank lines; a block begins at the beginning of its line, or OpenSSL and Go do not see it. */
const skipBlankLines = (text: string): string => text.replace(/^(?:[ \t]*\r?\n)+/, '').replace(/^[ \t]+$/, '');

/** One block in lines of 64 characters, ending in a newline: ztunnel loses a block that is glued to the one before. */
export function encodePem(label: string, der: Uint8Array): string {
  const body = toBase64(der);
  let lines = '';
  for (let i = 0; i < body.length; i += 64) lines += `${body.slice(i, i + 64)}\n`;
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}

import { describe, expect, it } from 'vitest';
import type { PkiError } from '../../pki/src/errors.ts';
import { decodePem, encodePem } from '../../pki/src/pem.ts';

const block = encodePem('CERTIFICATE REQUEST', Uint8Array.of(1, 2, 3, 4));
const refusals: [claim: string, text: string, code: string][] = [
  ['nothing', '', 'pem-count'],
  ['bare base64', 'AQIDBA==', 'pem-format'],
  ['another label', block.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE'), 'pem-label'],
  ['the old label of OpenSSL', block.replaceAll('CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'), 'pem-label'],
  ['labels that differ', block.replace('END CERTIFICATE REQUEST', 'END CERTIFICATE'), 'pem-label'],
  ['two blocks', block + block, 'pem-count'],
  ['a BEGIN without END', block.slice(0, 40), 'pem-format'],
  ['text before the block', `hello\n${block}`, 'pem-format'],
  ['text after the block', `${block}hello`, 'pem-format'],
  ['two blocks glued together', block.trimEnd() + block, 'pem-format'],
  ['a header inside', block.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\n'), 'pem-format'],
  ['broken padding', block.replace('==', '='), 'pem-format'],
  ['stray bits in the last character', block.replace('BA==', 'BB=='), 'pem-format'],
  ['no content', '-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n', 'pem-format'],
  ['a byte order mark', `\uFEFF${block}`, 'pem-format'],
  ['a no-break space after the block', `${block}\u00A0`, 'pem-format'],
  ['a comment between label and content', block.replace('-----\n', '-----\n# hello\n'), 'pem-format'],
  // What OpenSSL reads as the end of headers, or does not see at all, is not for us to read either.
  [
    'an empty line within the content',
    encodePem('CERTIFICATE REQUEST', new Uint8Array(60)).replace('A\nA', 'A\n\nA'),
    'pem-format',
  ],
  ['a carriage return alone within the content', block.replace('AQ', 'AQ\r'), 'pem-format'],
  ['a space before the block', ` ${block}`, 'pem-format'],
  ['a BEGIN in small letters', block.replace('BEGIN', 'begin'), 'pem-format'],
  ['a million characters', `${block}${' '.repeat(1_000_000)}`, 'pem-size'],
  ['ten thousand blocks', block.repeat(10_000), 'pem-size'],
];

describe('decodePem', () => {
  it.each(refusals)('refuses %s', (_claim, text, code) => {
    expect(() => decodePem(text, 'CERTIFICATE REQUEST')).toThrow(expect.objectContaining({ code }) as PkiError);
  });

  it('refuses fewer blocks than the least', () => {
    expect(() => decodePem(block, 'CERTIFICATE REQUEST', { minBlocks: 2, maxBlocks: 3 })).toThrow(
      expect.objectContaining({ code: 'pem-count' }) as PkiError,
    );
  });

  it('refuses a long line without an end in less than a moment', () => {
    const text = `-----BEGIN CERTIFICATE REQUEST-----\n${'A'.repeat(60_000)}`;
    const start = performance.now();
    expect(() => decodePem(text, 'CERTIFICATE REQUEST')).toThrow(
      expect.objectContaining({ code: 'pem-format' }) as PkiError,
    );
    expect(performance.now() - start).toBeLessThan(200);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PkiError } from '../../pki/src/errors.ts';
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
  ['a million characters', `${block}${' '.repeat(1_000_000)}`, 'pem-size'],
  ['ten thousand blocks', block.repeat(10_000), 'pem-size'],
];

describe('decodePem', () => {
  it.each(refusals)('refuses %s', (_claim, text, code) => {
    expect(() => decodePem(text, 'CERTIFICATE REQUEST')).toThrow(expect.objectContaining({ code }) as PkiError);
  });

  it('takes CRLF, a missing last newline and space around the block', () => {
    for (const text of [block.replaceAll('\n', '\r\n'), block.trimEnd(), `\n  ${block}\n`]) {
      expect(decodePem(text, 'CERTIFICATE REQUEST')).toEqual([Uint8Array.of(1, 2, 3, 4)]);
    }
  });

  it('reads what it writes, one block or many', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 5 }),
        (blocks) => {
          const text = blocks.map((der) => encodePem('CERTIFICATE', der)).join('');
          expect(decodePem(text, 'CERTIFICATE', { maxBlocks: 5 })).toEqual(blocks);
        },
      ),
    );
  });
});

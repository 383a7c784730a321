import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePem, encodePem } from '../../pki/src/pem.ts';

const block = encodePem('CERTIFICATE REQUEST', Uint8Array.of(1, 2, 3, 4));
describe('decodePem', () => {
  it('takes CRLF, a missing last newline and blank lines around the block', () => {
    for (const text of [block.replaceAll('\n', '\r\n'), block.trimEnd(), `\n \t\n${block}\n  `]) {
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

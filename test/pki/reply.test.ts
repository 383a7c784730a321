import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePem } from '../../pki/src/pem.ts';
import { assembleReply, parseReply } from '../../pki/src/reply.ts';

const der = fc.uint8Array({ minLength: 1, maxLength: 1500 });
const parts = fc.record({
  leaf: der,
  intermediates: fc.array(der, { minLength: 1, maxLength: 4 }),
  crosses: fc.array(der, { maxLength: 2 }),
  roots: fc.array(der, { minLength: 1, maxLength: 5 }),
});
const pem = (...octets: number[]): string => encodePem('CERTIFICATE', Uint8Array.from(octets));
const list = (n: number): Uint8Array[] => Array.from({ length: n }, (_, i) => Uint8Array.of(i));
const shape: unknown = expect.objectContaining({ code: 'reply-shape' });

describe('a reply', () => {
  it('reads back as what it was made of', () => {
    fc.assert(
      fc.property(parts, (made) => {
        const { leaf, intermediates, roots } = parseReply(assembleReply(made));
        expect(leaf).toEqual(made.leaf);
        expect(intermediates).toEqual([...made.intermediates, ...made.crosses]);
        expect(roots).toEqual(made.roots);
      }),
    );
  });

  it('has one certificate in each element but the last, in the order of the chain, and every root in the last', () => {
    const [leaf, int, cross, a, b] = [1, 2, 3, 4, 5].map((n) => Uint8Array.of(n)) as [Uint8Array, ...Uint8Array[]];
    const reply = assembleReply({ leaf, intermediates: [int], crosses: [cross], roots: [a, b] } as never);
    expect(reply).toEqual([pem(1), pem(2), pem(3), pem(4) + pem(5)]);
  });

  it('ends every block with a newline', () => {
    fc.assert(
      fc.property(parts, (made) => {
        for (const element of assembleReply(made)) expect(element).toMatch(/-----END CERTIFICATE-----\n$/);
      }),
    );
  });

  it('encodes a CA certificate once', () => {
    const leaf = Uint8Array.of(1);
    const intermediates = [Uint8Array.of(2)];
    const roots = [Uint8Array.of(3)];
    const first = assembleReply({ leaf, intermediates, crosses: [], roots });
    expect(assembleReply({ leaf, intermediates, crosses: [], roots })).toEqual(first);
  });

  it.each([
    ['no root', 1, 0],
    ['seven intermediates', 7, 1],
  ])('with %s is refused', (_, intermediates, roots) => {
    const made = { leaf: Uint8Array.of(1), intermediates: list(intermediates), crosses: [], roots: list(roots) };
    expect(() => assembleReply(made)).toThrow(shape);
  });
});

describe('a reply is taken apart as ztunnel does', () => {
  it('two certificates in one element: the second is lost', () => {
    expect(parseReply([pem(1) + pem(2), pem(3)])).toMatchObject({ leaf: Uint8Array.of(1), intermediates: [] });
    expect(parseReply([pem(1), pem(2) + pem(3), pem(4)]).intermediates).toEqual([Uint8Array.of(2)]);
  });

  it('a root glued to the one before: it is lost', () => {
    expect(parseReply([pem(1), pem(2).trimEnd() + pem(3)]).roots).toEqual([Uint8Array.of(2)]);
  });

  it('CRLF, comments and a missing last newline do no harm', () => {
    const roots = `a comment\r\n${pem(2).replaceAll('\n', '\r\n')}\r\nanother\r\n${pem(3).trimEnd()}`;
    expect(parseReply([pem(1), roots]).roots).toEqual([Uint8Array.of(2), Uint8Array.of(3)]);
  });

  it.each([
    ['no element', []],
    ['the leaf alone', [pem(1)]],
    ['an empty leaf', ['', pem(2)]],
    ['an empty element in the middle', [pem(1), '', pem(2)]],
    ['no root', [pem(1), '']],
    ['a key among the roots', [pem(1), pem(2) + encodePem('PRIVATE KEY', Uint8Array.of(1))]],
    ['a key in place of the leaf', [encodePem('PRIVATE KEY', Uint8Array.of(1)), pem(2)]],
    ['a block without an end', [pem(1), pem(2).slice(0, -10)]],
    ['a block whose begin is broken', [pem(1), pem(2).replace('CERTIFICATE-----', 'CERTIFICATE---')]],
    ['a block that is not base64', [pem(1), pem(2).replace(/\n.*\n/, '\n!!!!\n')]],
  ])('%s: refused whole', (_, elements) => {
    expect(() => parseReply(elements)).toThrow(shape);
  });
});

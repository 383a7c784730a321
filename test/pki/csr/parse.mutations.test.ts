import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat } from '../../../pki/src/bytes.ts';
import { nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { parseCsr } from '../../../pki/src/csr/parse.ts';
import { verifyPossession } from '../../../pki/src/csr/possession.ts';
import { contextTag } from '../../../pki/src/der/tags.ts';
import { ia5String } from '../../../pki/src/der/writer.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import { der as encode } from '../../support/der.ts';
import { csrOf, extensionRequest, identity, san, uri } from './samples.ts';

/** A DER element; one that is constructed has children instead of content. */
interface Node {
  tag: number;
  content: Uint8Array;
  children: Node[] | null;
}

function read(bytes: Uint8Array): Node[] {
  const nodes: Node[] = [];
  for (let at = 0; at < bytes.length;) {
    const [tag = 0, first = 0] = bytes.subarray(at, at + 2);
    const octets = first < 0x80 ? 0 : first & 0x7f;
    let length = octets === 0 ? first : 0;
    for (let i = 0; i < octets; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0);
    const from = at + 2 + octets;
    const content = bytes.subarray(from, from + length);
    nodes.push({ tag, content, children: (tag & 0x20) === 0 ? null : read(content) });
    at = from + length;
  }
  return nodes;
}

const write = (node: Node): Uint8Array =>
  encode(node.tag, node.children?.map(write).reduce(join, empty) ?? node.content);
const empty: Uint8Array = new Uint8Array();
const join = (a: Uint8Array, b: Uint8Array): Uint8Array => concat(a, b);

/** Every list of siblings. */
function lists(nodes: Node[]): Node[][] {
  return [nodes, ...nodes.flatMap((node) => (node.children === null ? [] : lists(node.children)))];
}

const mutations: Record<string, (list: Node[], at: number, other: Node) => void> = {
  'is left out': (list, at) => list.splice(at, 1),
  'stands twice': (list, at) => list.splice(at, 0, list[at]!),
  'is another element': (list, at, other) => (list[at] = other),
  'has another before it': (list, at, other) => list.splice(at, 0, other),
  'has another after it': (list, at, other) => list.splice(at + 1, 0, other),
  'is empty': (list, at) => (list[at] = { tag: list[at]!.tag, content: empty, children: null }),
  'is wrapped once more': (list, at) => (list[at] = { tag: 0x30, content: empty, children: [list[at]!] }),
  'changes places with its neighbour': (list, at) => list.splice(at, 2, ...list.slice(at, at + 2).toReversed()),
};

const crypto = nodeCrypto();
const good = csrOf();

/** Refused with a reason, or well-formed and not signed by its key. */
function provesNothing(der: Uint8Array): boolean {
  try {
    return !verifyPossession(crypto, parseCsr(der));
  } catch (error) {
    if (error instanceof PkiError) return true;
    throw error;
  }
}

describe('a CSR of which', () => {
  it.each(Object.entries(mutations))('one element %s proves nothing', (_claim, mutate) => {
    const elements = lists(read(good)).flatMap((list) => list);
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), fc.nat(elements.length - 1), (which, position, replacement) => {
        const root = read(good);
        const all = lists(root).filter((list) => list.length > 0);
        const list = all[which % all.length]!;
        mutate(list, position % list.length, elements[replacement]!);
        const der = root.map(write).reduce(join, empty);
        expect(Buffer.from(der).equals(good) || provesNothing(der)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('any one byte is added or lost proves nothing', () => {
    for (let at = 0; at <= good.length; at++) {
      expect(provesNothing(concat(good.subarray(0, at), Uint8Array.of(0), good.subarray(at))), `added at ${at}`).toBe(
        true,
      );
      expect(
        provesNothing(concat(good.subarray(0, at), good.subarray(at + 1))) || at === good.length,
        `lost at ${at}`,
      ).toBe(true);
    }
  });

  it('the subjectAltName is anything but exactly one URI is refused, wherever the bad name stands', () => {
    const name = fc.oneof(
      fc.constant(uri(identity)),
      fc
        .tuple(fc.integer({ min: 0, max: 8 }), fc.boolean(), fc.string({ maxLength: 10 }))
        .map(([n, constructed, text]) => ia5String(text, contextTag(n) | (constructed ? 0x20 : 0))),
    );
    fc.assert(
      fc.property(fc.array(name, { maxLength: 6 }), (names) => {
        const only = names.length === 1 && names[0]?.[0] === contextTag(6);
        let accepted = true;
        try {
          parseCsr(csrOf({ attributes: [extensionRequest(san(...names))] }));
        } catch (error) {
          if (!(error instanceof PkiError)) throw error;
          accepted = false;
        }
        expect(accepted).toBe(only);
      }),
    );
  });
});

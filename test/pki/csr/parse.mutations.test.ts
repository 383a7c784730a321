import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, toHex } from '../../../pki/src/bytes.ts';
import type { SyncSigner } from '../../../pki/src/crypto/port.ts';
import { buildCsr } from '../../../pki/src/csr/build.ts';
import { parseCsr, type Csr } from '../../../pki/src/csr/parse.ts';
import { contextTag, TAG } from '../../../pki/src/der/tags.ts';
import { ia5String, sequence, setOfOne, tlv } from '../../../pki/src/der/writer.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import { der as encode } from '../../support/der.ts';
import { csrOf, extensionRequest, identity, OID, san, uri } from './samples.ts';

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

const good = csrOf();
const ofPilotAgent = csrOf({ subject: sequence(setOfOne(sequence(OID.organization, tlv(TAG.printableString)))) });

/** What we would write for what was read, with the SAN critical or not. */
function canonical({ spki, signatureAlgorithm, signature, requestedIdentity, subjectEmpty }: Csr): string[] {
  const signer: SyncSigner = { algorithm: signatureAlgorithm, spki, sign: () => signature };
  return [true, false].map((sanCritical) =>
    toHex(
      buildCsr({ signer, identity: requestedIdentity, sanCritical, emptyOrganization: !subjectEmpty }) as Uint8Array,
    ),
  );
}

/**
 * Whoever alters a CSR can sign it, too, so the parser alone must hold: what it accepts has, byte for byte, a form that
 * we write ourselves, and nothing in it went unread.
 */
function refusedOrCanonical(der: Uint8Array): boolean {
  let csr: Csr;
  try {
    csr = parseCsr(der);
  } catch (error) {
    if (error instanceof PkiError) return true;
    throw error;
  }
  return canonical(csr).includes(toHex(der));
}

describe('a CSR of which', () => {
  it.each(Object.entries(mutations))('one element %s is refused, or all of it was read', (_claim, mutate) => {
    fc.assert(
      fc.property(fc.constantFrom(good, ofPilotAgent), fc.nat(1000), fc.nat(1000), fc.nat(1000), (der, a, b, c) => {
        const root = read(der);
        const all = lists(root).filter((list) => list.length > 0);
        const elements = all.flat();
        const list = all[a % all.length]!;
        mutate(list, b % list.length, structuredClone(elements[c % elements.length]!));
        expect(refusedOrCanonical(root.map(write).reduce(join, empty))).toBe(true);
      }),
      { numRuns: 1500 },
    );
  });

  it('any one byte is added, lost or changed is refused, or all of it was read', () => {
    for (let at = 0; at <= good.length; at++) {
      const [before, after] = [good.subarray(0, at), good.subarray(at)];
      expect(refusedOrCanonical(concat(before, after.subarray(1)))).toBe(true);
      for (let byte = 0; byte < 256; byte++) {
        expect(refusedOrCanonical(concat(before, Uint8Array.of(byte), after))).toBe(true);
        expect(refusedOrCanonical(concat(before, Uint8Array.of(byte), after.subarray(1)))).toBe(true);
      }
    }
  }, 60_000);

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

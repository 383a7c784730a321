import { mutateBytes } from './mutate_bytes.ts';
import type { Random } from './random.ts';
import { clone, lists, parseTlv, writeTlv, type Node } from './tlv.ts';

const TAGS = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x30, 0x31, 0x80, 0x82, 0x86, 0x87, 0xa0, 0xa3,
  0xa4,
];

/** Contents at which readers of numbers, bits, times, OIDs and names have gone wrong. */
const CONTENTS = [
  ['', '00', '01', '7f', '80', 'ff', '0080', '00ff', '007f', '8000', 'ff80', '0100000000', '0000', '0102'],
  ['0500', '0780', '0700', '03', '0101ff', '8001', '800180', '2a', '551d11', '551d13', '0880'],
  ['32303530303130313030303030305a', '3530303130313030303030305a', '3439313233313233353935395a'],
  ['73706966666526', '2a2e61', '00613a2f2f62', '7370696666653a2f2f612f62', '7f000001', 'e3'.repeat(32)],
]
  .flat()
  .map((hex) => Buffer.from(hex, 'hex'));

/** Does one thing to the element at `at`; `foreign` is another input to take parts from. */
type Mutation = (siblings: Node[], at: number, random: Random, foreign: Node[]) => void;

const sizeOf = (node: Node): number => (node.children === null ? node.content.length : writeTlv(node.children).length);

const MUTATIONS: readonly Mutation[] = [
  (siblings, at, random) => (siblings[at]!.tag = random.pick(TAGS)),
  (siblings, at, random) => (siblings[at]!.tag ^= 1 << random.below(8)),
  (siblings, at) => (siblings[at]!.length = 'padded'),
  (siblings, at) => (siblings[at]!.length = 'indefinite'),
  (siblings, at, random) => (siblings[at]!.length = sizeOf(siblings[at]!) + random.below(5) - 2),
  (siblings, at, random) => Object.assign(siblings[at]!, { content: random.pick(CONTENTS), children: null }),
  (siblings, at, random) => {
    const node = siblings[at]!;
    if (node.children === null) node.content = mutateBytes(node.content, random, siblings[0]!.content);
  },
  (siblings, at) => siblings.splice(at, 1),
  (siblings, at) => siblings.splice(at, 0, ...clone([siblings[at]!])),
  (siblings, at, random) => {
    const second = random.below(siblings.length);
    [siblings[at], siblings[second]] = [siblings[second]!, siblings[at]!];
  },
  (siblings, at, random, foreign) => {
    const donors = random.pick(lists(foreign));
    if (donors.length > 0) siblings.splice(at, random.below(2), ...clone([random.pick(donors)]));
  },
  (siblings, at) => {
    siblings[at] = { tag: 0x30, content: new Uint8Array(), children: [siblings[at]!], length: 'minimal' };
  },
  (siblings, at) => siblings.splice(at, 1, ...(siblings[at]!.children ?? [])),
];

/** DER that differs from `input` in one to three things, of its structure mostly, of its bytes else. */
export function mutateDer(input: Uint8Array, random: Random, foreign: Uint8Array): Uint8Array {
  if (!random.chance(4)) return mutateBytes(input, random, foreign);
  const tree = parseTlv(input);
  if (tree === null) return mutateBytes(input, random, foreign);
  const donor = parseTlv(foreign) ?? tree;
  for (let count = 1 + random.below(3); count > 0; count--) {
    const siblings = random.pick(lists(tree));
    if (siblings.length > 0) random.pick(MUTATIONS)(siblings, random.below(siblings.length), random, donor);
  }
  return writeTlv(tree);
}

import type { Random } from './random.ts';

const INTERESTING = [
  0x00, 0x01, 0x02, 0x03, 0x04, 0x06, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x30, 0x31, 0x7f, 0x80, 0x81, 0xff,
];

type Edit = (bytes: Buffer, random: Random, foreign: Uint8Array) => Uint8Array;

const set =
  (value: (before: number, random: Random) => number): Edit =>
  (bytes, random) => {
    const at = random.below(bytes.length);
    bytes[at] = value(bytes[at] as number, random);
    return bytes;
  };

const EDITS: readonly Edit[] = [
  set((before, random) => before ^ (1 << random.below(8))),
  set((_before, random) => random.next()),
  set((_before, random) => random.pick(INTERESTING)),
  set((before) => before + 1),
  set((before) => before - 1),
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from([random.next()]), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const at = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(4))]);
  },
  (bytes, random) => Buffer.concat([bytes, Buffer.from([random.next()])]),
  (bytes, random, foreign) => {
    const from = random.below(foreign.length + 1);
    const at = random.below(bytes.length + 1);
    return Buffer.concat([
      bytes.subarray(0, at),
      foreign.subarray(from, from + random.below(32)),
      bytes.subarray(at + random.below(32)),
    ]);
  },
];
/** The first edits keep the length, and are the ones that leave most of an input readable. */
const IN_PLACE = 5;

/** A copy of `input` with one to three edits. */
export function mutateBytes(input: Uint8Array, random: Random, foreign: Uint8Array): Uint8Array {
  let bytes: Uint8Array = Buffer.from(input);
  for (let count = 1 + random.below(3); count > 0 && bytes.length > 0; count--) {
    const edit = EDITS[random.chance(4) ? random.below(EDITS.length) : random.below(IN_PLACE)] as Edit;
    bytes = edit(bytes as Buffer, random, foreign);
  }
  return bytes;
}

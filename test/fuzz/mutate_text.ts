import { mutateBytes } from './mutate_bytes.ts';
import type { Random } from './random.ts';

/** Edits of a text: a token of the dictionary put in, or over what is there; a character repeated; a piece moved; or of its bytes. */
export function mutateText(dictionary: readonly string[]) {
  const tokens = dictionary.map((token) => Buffer.from(token, 'utf8'));
  return (input: Uint8Array, random: Random, foreign: Uint8Array): Uint8Array => {
    if (random.chance(3)) return mutateBytes(input, random, foreign);
    const at = random.below(input.length + 1);
    const head = input.subarray(0, at);
    const kind = random.below(4);
    if (kind === 0) return Buffer.concat([head, random.pick(tokens), input.subarray(at)]);
    if (kind === 1) {
      const token = random.pick(tokens);
      return Buffer.concat([head, token, input.subarray(at + random.below(token.length + 2))]);
    }
    if (kind === 2) {
      const piece = input.subarray(at, at + 1 + random.below(random.chance(16) ? 600 : 8));
      return Buffer.concat([head, piece, piece, input.subarray(at + piece.length)]);
    }
    const to = Math.min(input.length, at + random.below(70));
    const end = Math.min(input.length, to + random.below(70));
    return Buffer.concat([head, input.subarray(to, end), input.subarray(at, to), input.subarray(end)]);
  };
}

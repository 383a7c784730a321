import { fail } from '../objects/outcome.ts';
import type { PageRequest } from '../objects/rpc.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 500;

export function pageLimit({ limit = DEFAULT_LIMIT }: PageRequest): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    fail('invalid', `limit is ${limit}, expected 1 to ${MAX_LIMIT}`);
  }
  return limit;
}

/** A cursor is base64url of a JSON array of strings and numbers: opaque to clients, and no secret. */
export function formatCursor(position: readonly (string | number)[]): string {
  return btoa(unescapeUtf8(JSON.stringify(position)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** What a cursor of these kinds holds. */
type Position<K extends readonly ('string' | 'number')[]> = { [I in keyof K]: K[I] extends 'string' ? string : number };

/** `kinds` says what the cursor must hold: `['string', 'number']`. */
export function parseCursor<const K extends readonly ('string' | 'number')[]>(cursor: string, kinds: K): Position<K> {
  try {
    const octets = Uint8Array.from(
      atob(cursor.replaceAll('-', '+').replaceAll('_', '/')),
      (c) => c.codePointAt(0) ?? 0,
    );
    const position: unknown = JSON.parse(new TextDecoder().decode(octets));
    if (Array.isArray(position) && position.length === kinds.length) {
      if (position.every((part, index) => typeof part === kinds[index])) return position as unknown as Position<K>;
    }
  } catch {
    // Answered below: whatever is wrong with it, a cursor is only taken as it was given.
  }
  return fail('invalid', 'the cursor is not one that this listing gave out');
}

function unescapeUtf8(text: string): string {
  return String.fromCodePoint(...new TextEncoder().encode(text));
}

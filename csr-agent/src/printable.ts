const PLAIN = /^[\x20-\x7e]*$/;
/** A JWT, or what is left of one; the third part is what makes it worth stealing. */
const TOKEN = /eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}/g;
const MAX_CHARACTERS = 1024;

/**
 * Text that may hold what a client sent, for a log: one line, ASCII, bounded, without tokens. JSON alone lets DEL, C1
 * controls and bidirectional marks through, which a terminal obeys.
 */
export function printable(text: string): string {
  const safe = text.slice(0, MAX_CHARACTERS).replaceAll(TOKEN, '[token]');
  if (PLAIN.test(safe)) return safe;
  return safe.replaceAll(/[^\x20-\x7e]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

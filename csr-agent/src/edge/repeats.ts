/** The same trouble is told again after this long. */
const REPEAT_MS = 60_000;
/** Different troubles remembered; with more of them it is the log that says what is going on. */
const MAX_REMEMBERED = 32;

/** Keeps troubles that come back every second, also in turns, from filling the log. */
export class Repeats {
  readonly #told = new Map<string, number>();

  /** Whether the text is news, or old enough to be told again; `now` in ms. */
  isNews(text: string, now: number): boolean {
    if (now - (this.#told.get(text) ?? -Infinity) < REPEAT_MS) return false;
    if (this.#told.size >= MAX_REMEMBERED) this.#told.clear();
    this.#told.set(text, now);
    return true;
  }

  clear(): void {
    this.#told.clear();
  }
}

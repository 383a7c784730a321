/** The same trouble is told again after this long. */
const REPEAT_MS = 60_000;

/** Keeps a trouble that comes back every second from filling the log. */
export class Repeats {
  #text = '';
  #at = -Infinity;

  /** Whether the text is news, or old enough to be told again; `now` in ms. */
  isNews(text: string, now: number): boolean {
    if (text === this.#text && now - this.#at < REPEAT_MS) return false;
    this.#text = text;
    this.#at = now;
    return true;
  }

  clear(): void {
    this.#text = '';
  }
}

/** A map that forgets what was used longest ago. A cache only: forgetting may cost time, never correctness. */
export class BoundedMap<V> {
  readonly #maximum: number;
  readonly #entries = new Map<string, V>();

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#maximum) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  get size(): number {
    return this.#entries.size;
  }
}

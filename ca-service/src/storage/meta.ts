/** Single values of an object, each under a name listed in docs/STORAGE.md. */
export class Meta {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get(key: string): string | null {
    return this.#sql.exec<{ value: string }>('SELECT value FROM meta WHERE key = ?', key).toArray()[0]?.value ?? null;
  }

  set(key: string, value: string): void {
    this.#sql.exec('INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value', key, value);
  }

  /**
   * The next value of a counter that agents compare: max(last + 1, ms since 1970), so that a restored backup never
   * lands below what they have seen.
   */
  next(key: string, now: number): number {
    const value = Math.max(Number(this.get(key) ?? 0) + 1, now);
    this.set(key, String(value));
    return value;
  }
}

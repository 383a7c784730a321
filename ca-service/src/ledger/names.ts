/** Names held in memory at most; when it is full it starts anew, because a lookup costs a few microseconds. */
const MAX_CACHED = 50_000;

/**
 * Interned names: identities, nodes and intermediates, each stored once. Ids are never given again, because packed
 * history refers to them.
 */
export class Names {
  readonly #sql: SqlStorage;
  readonly #ids = new Map<string, number>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Call it inside the transaction that uses the id, and `forget` when that is rolled back. */
  intern(text: string): number {
    const cached = this.#ids.get(text);
    if (cached !== undefined) return cached;
    const id =
      this.idOf(text) ??
      this.#sql.exec<{ id: number }>('INSERT INTO names (text) VALUES (?) RETURNING id', text).one().id;
    if (this.#ids.size >= MAX_CACHED) this.#ids.clear();
    this.#ids.set(text, id);
    return id;
  }

  idOf(text: string): number | null {
    return this.#sql.exec<{ id: number }>('SELECT id FROM names WHERE text = ?', text).toArray()[0]?.id ?? null;
  }

  textOf(id: number): string {
    return this.#sql.exec<{ text: string }>('SELECT text FROM names WHERE id = ?', id).one().text;
  }

  forget(): void {
    this.#ids.clear();
  }
}

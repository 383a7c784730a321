const QUARTER_HOUR_MS = 15 * 60_000;

/**
 * Per issuer and bundle version, until when something may be alive: the greatest notAfter ever recorded, rounded up to
 * the quarter hour so that it is rarely written. It is only raised, so a lost renewal cannot make a rotation look safe.
 */
export class Live {
  readonly #sql: SqlStorage;
  readonly #known = new Map<string, number>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Call it inside the transaction of the issuance, and `forget` when that is rolled back. */
  raise(issuer: number, bundleVersion: number, notAfter: number): void {
    const rounded = Math.ceil(notAfter / QUARTER_HOUR_MS) * QUARTER_HOUR_MS;
    const key = `${issuer} ${bundleVersion}`;
    if ((this.#known.get(key) ?? 0) >= rounded) return;
    this.#sql.exec(
      `INSERT INTO live VALUES (?, ?, ?)
       ON CONFLICT (issuer, bundle_version) DO UPDATE SET not_after = MAX(not_after, excluded.not_after)`,
      issuer,
      bundleVersion,
      rounded,
    );
    // An agent states the version it hands out; a few are alive at a time, and hostile ones must not fill the memory.
    if (this.#known.size >= 256) this.#known.clear();
    this.#known.set(key, rounded);
  }

  rows(): { issuer: string; bundleVersion: number; notAfter: number }[] {
    return this.#sql
      .exec<{ text: string; bundle_version: number; not_after: number }>(
        `SELECT text, bundle_version, not_after FROM live JOIN names ON names.id = live.issuer
         ORDER BY not_after DESC LIMIT 100`,
      )
      .toArray()
      .map(({ text, bundle_version, not_after }) => ({
        issuer: text,
        bundleVersion: bundle_version,
        notAfter: not_after,
      }));
  }

  forget(): void {
    this.#known.clear();
  }
}

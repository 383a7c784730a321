import { fail } from '../objects/outcome.ts';
import type { Actor } from '../objects/rpc.ts';

/** How long a repeated request is recognised: longer than any client retries. */
const KEPT_MS = 24 * 60 * 60_000;

/**
 * Answers of admin writes by `Idempotency-Key`, so that a repeated request changes nothing and is answered alike.
 * The same key with another request is refused.
 */
export class Idempotency {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The stored answer of the same request, or null when it is new. */
  recall(actor: Actor, key: string | undefined, requestHash: string, now: number): unknown {
    if (key === undefined) return null;
    const [row] = this.#sql
      .exec<{
        request_hash: string;
        response: string;
      }>(
        'SELECT request_hash, response FROM idempotency WHERE actor_id = ? AND key = ? AND created_at > ?',
        actor.id,
        key,
        now - KEPT_MS,
      )
      .toArray();
    if (row === undefined) return null;
    if (row.request_hash !== requestHash) {
      fail('idempotency-mismatch', `the idempotency key ${key} was used for another request`);
    }
    return JSON.parse(row.response);
  }

  /** To be called in the transaction of the write itself. */
  store(actor: Actor, key: string | undefined, requestHash: string, response: unknown, now: number): void {
    if (key === undefined) return;
    this.#sql.exec('DELETE FROM idempotency WHERE created_at <= ?', now - KEPT_MS);
    this.#sql.exec(
      'INSERT INTO idempotency VALUES (?, ?, ?, ?, ?)',
      actor.id,
      key,
      requestHash,
      JSON.stringify(response),
      now,
    );
  }
}

/** base64 SHA-256 of a request, over its JSON. */
export async function hashRequest(request: unknown): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(request)));
  return btoa(String.fromCodePoint(...new Uint8Array(digest)));
}

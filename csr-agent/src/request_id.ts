import { randomFillSync } from 'node:crypto';

/** Of one id; 72 bits tell apart the requests of all agents of a cluster. */
const BYTES = 9;
/** Drawn at once: one draw costs as much as half of what else the agent does with a request. */
const DRAWN = 512;

/**
 * A source of request ids: 12 characters of base64url that begin and end with a letter or digit, so that a double click
 * selects one. An id stands in our log, in the CA's and in the ledger.
 */
export function requestIds(fill: (pool: Uint8Array) => void = randomFillSync): () => string {
  const pool = Buffer.alloc(BYTES * DRAWN);
  let at = pool.length;
  return () => {
    if (at === pool.length) {
      fill(pool);
      at = 0;
    }
    at += BYTES;
    return pool.toString('base64url', at - BYTES, at).replaceAll(/^[-_]|[-_]$/g, '0');
  };
}

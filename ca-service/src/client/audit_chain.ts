import { sha256 } from '@noble/hashes/sha2.js';
import { toHex, utf8 } from '../../../pki/src/bytes.ts';

/** What an audit says of one action, and what its hash covers. */
export interface ChainedFacts {
  readonly id: number;
  /** ms since 1970 */
  readonly at: number;
  readonly actor: { readonly id: string; readonly name: string; readonly role: string };
  readonly action: string;
  readonly subject: string;
  readonly outcome: string;
  /** Hashed as JSON, in the order of its members. */
  readonly detail: object;
}

export interface ChainedEntry extends ChainedFacts {
  /** As of `auditHash`. */
  readonly hash: string;
}

/** The last entry of a chain; `GENESIS` before the first. */
export interface ChainHead {
  readonly id: number;
  readonly hash: string;
}

export const GENESIS: ChainHead = { id: 0, hash: '0'.repeat(64) };

/**
 * Lower-case hex SHA-256 over the hash of the entry before and everything this one says: whoever changes, removes or inserts an
 * entry has to change all that come after, and with them any head that was noted elsewhere.
 */
export function auditHash(previous: string, facts: ChainedFacts): string {
  const { id, at, actor, action, subject, outcome, detail } = facts;
  const covered = [previous, id, at, actor.id, actor.name, actor.role, action, subject, outcome, detail];
  return toHex(sha256(utf8(JSON.stringify(covered))));
}

/** The head after this entry, or in one sentence why it does not follow on `head`. */
export function follow(head: ChainHead, entry: ChainedEntry): ChainHead | string {
  if (entry.id !== head.id + 1) return `entry ${entry.id} follows on ${head.id}: entries are missing between them`;
  if (auditHash(head.hash, entry) !== entry.hash) {
    return `the hash of entry ${entry.id} is not that of what it says after entry ${head.id}: one of the two was changed`;
  }
  return { id: entry.id, hash: entry.hash };
}

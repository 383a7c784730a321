/** What the limit needs of a connection. */
export interface Admitted {
  /** Ends it at once. */
  end(): void;
  /** Whether an authenticated call of it is being worked on, or held. */
  busy(): boolean;
}

/** A ztunnel has one connection, and two while it goes from one to the next. */
const MAX_PER_CALLER = 16;

/**
 * How many connections there may be, and which one goes when another comes. First the oldest on which nobody has proven
 * who they are, so that strangers can only push out strangers; then the one that was used longest ago, which costs its
 * client a handshake. One with an authenticated call open is never ended for another. Of a caller with many connections
 * only the latest count as known: one stolen token must not fill the house.
 */
export class Admission {
  readonly #maximum: number;
  /** By peer, the oldest first. */
  readonly #strangers = new Map<string, Admitted>();
  /** By peer, the least recently used first. */
  readonly #known = new Map<string, Admitted>();
  /** Known peers by caller, the least recently used first. */
  readonly #callers = new Map<string, Set<string>>();
  readonly #callerOf = new Map<string, string>();
  readonly #crowded: () => void;

  /** @param crowded is told of each connection that is refused or ended for another */
  constructor(maximum: number, crowded: () => void) {
    this.#maximum = maximum;
    this.#crowded = crowded;
  }

  get size(): number {
    return this.#strangers.size + this.#known.size;
  }

  /** @returns false when all others are in use: it must be ended */
  admit(peer: string, connection: Admitted): boolean {
    if (this.size >= this.#maximum) {
      this.#crowded();
      if (!this.#makeRoom()) return false;
    }
    this.#strangers.set(peer, connection);
    return true;
  }

  /** A call on it was authenticated as one of `caller`, a pod. */
  prove(peer: string, caller: string): void {
    const connection = this.#known.get(peer) ?? this.#strangers.get(peer);
    if (connection === undefined) return;
    this.remove(peer);
    this.#known.set(peer, connection);
    this.#callerOf.set(peer, caller);
    const peers = this.#callers.get(caller) ?? new Set();
    this.#callers.set(caller, peers.add(peer));
    const [oldest] = peers;
    if (peers.size > MAX_PER_CALLER && oldest !== undefined) this.#estrange(oldest);
  }

  remove(peer: string): void {
    this.#strangers.delete(peer);
    this.#known.delete(peer);
    const caller = this.#callerOf.get(peer);
    if (caller === undefined) return;
    this.#callerOf.delete(peer);
    const peers = this.#callers.get(caller);
    peers?.delete(peer);
    if (peers?.size === 0) this.#callers.delete(caller);
  }

  #estrange(peer: string): void {
    const connection = this.#known.get(peer);
    this.remove(peer);
    if (connection !== undefined) this.#strangers.set(peer, connection);
  }

  #makeRoom(): boolean {
    const [stranger] = this.#strangers;
    const victim = stranger ?? this.#idle();
    if (victim === undefined) return false;
    const [peer, connection] = victim;
    this.remove(peer);
    connection.end();
    return true;
  }

  #idle(): [string, Admitted] | undefined {
    for (const entry of this.#known) if (!entry[1].busy()) return entry;
    return undefined;
  }
}

import { type Clock, jittered } from '../clock.ts';
import type { IssuedToken, TokenSource } from './source.ts';

/** What the agent asks for; a captured token is worth nothing without the key in its audience, and soon not even then. */
const LIFE_SECONDS = 600;
/** Kept in hand so that a request never leaves with a token that ends on its way. */
const SPARE_MS = 30_000;
const RENEW_AT = 0.8;
/** Asking for a fresh one because the old was refused is worth a try, but not with every request. */
const DISTRUST_EVERY_MS = 10_000;

export interface RenewedTokenOptions {
  readonly source: TokenSource;
  readonly audiences: readonly string[];
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** The agent's token, fetched when it is needed and renewed before its end. A failed renewal keeps the old one while it lives. */
export class RenewedToken {
  readonly #options: RenewedTokenOptions;
  #held: (IssuedToken & { readonly renewAt: number }) | null = null;
  #pending: Promise<string> | null = null;
  #distrustedAt = -Infinity;

  constructor(options: RenewedTokenOptions) {
    this.#options = options;
  }

  /** Rejects as the source does when no token is held that still lives. */
  current(): string | Promise<string> {
    const held = this.#held;
    const now = this.#options.clock.now();
    if (held !== null && now < held.renewAt) return held.token;
    if (held !== null && now < held.expiresAt - SPARE_MS) {
      return this.#renewed().catch(() => held.token);
    }
    return this.#renewed();
  }

  /** The CA refused the token: the keys behind it may have changed. */
  distrust(): void {
    const now = this.#options.clock.now();
    if (now - this.#distrustedAt < DISTRUST_EVERY_MS) return;
    this.#distrustedAt = now;
    this.#held = null;
  }

  async #renewed(): Promise<string> {
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  async #fetch(): Promise<string> {
    const { source, audiences, clock, random } = this.#options;
    const askedAt = clock.now();
    const issued = await source.token(audiences, LIFE_SECONDS);
    // The issuer may have another clock; no more is counted on than was asked for.
    const life = Math.min(issued.expiresAt - askedAt, LIFE_SECONDS * 1000);
    this.#held = { ...issued, renewAt: askedAt + jittered(life * RENEW_AT, 0.1, random) };
    return issued.token;
  }
}

import type { Bucket, Policy } from './schema.ts';

interface Level {
  tokens: number;
  at: number;
}

/** Callers remembered at most; the least recently used one is forgotten first, which can only be in its favour. */
const MAX_CALLERS = 20_000;

/**
 * Token buckets per cluster and per caller. They make a certificate wait and never refuse it: the answer is the time
 * after which to ask again, and the agent queues. Held in memory, so a restart starts with full buckets.
 */
export class RateLimiter {
  readonly #limits: Policy['limits'];
  readonly #cluster: Level;
  readonly #callers = new Map<string, Level>();

  constructor(limits: Policy['limits'], nowMs: number) {
    this.#limits = limits;
    this.#cluster = { tokens: limits.cluster.burst, at: nowMs };
  }

  /** Takes one certificate for `caller`: 0 when it may go now, else the milliseconds to wait; then nothing was taken. */
  take(caller: string, nowMs: number): number {
    const own = this.#caller(caller, nowMs);
    refill(own, this.#limits.caller, nowMs);
    refill(this.#cluster, this.#limits.cluster, nowMs);
    const wait = Math.max(shortfall(own, this.#limits.caller), shortfall(this.#cluster, this.#limits.cluster));
    if (wait > 0) return wait;
    own.tokens -= 1;
    this.#cluster.tokens -= 1;
    return 0;
  }

  #caller(key: string, nowMs: number): Level {
    const known = this.#callers.get(key);
    if (known !== undefined) {
      this.#callers.delete(key);
      this.#callers.set(key, known);
      return known;
    }
    if (this.#callers.size >= MAX_CALLERS) {
      const [oldest] = this.#callers.keys();
      if (oldest !== undefined) this.#callers.delete(oldest);
    }
    const fresh = { tokens: this.#limits.caller.burst, at: nowMs };
    this.#callers.set(key, fresh);
    return fresh;
  }
}

function refill(level: Level, { rate, burst }: Bucket, nowMs: number): void {
  const elapsed = Math.max(0, nowMs - level.at) / 1000;
  level.tokens = Math.min(burst, level.tokens + elapsed * rate);
  level.at = Math.max(level.at, nowMs);
}

function shortfall(level: Level, { rate }: Bucket): number {
  return level.tokens >= 1 ? 0 : Math.max(1, Math.ceil(((1 - level.tokens) / rate) * 1000));
}

import { toBase64Url } from '../../../pki/src/bytes.ts';
import { bootOf } from '../client/message_signature.ts';

/** How far the time of a signed request may lie from ours, either way. */
const WINDOW_MS = 120_000;

/**
 * Recognises a request that was seen before. Nonces live in memory for as long as their request could be sent again.
 * Each start of the object draws a boot id that must be part of the nonce, so what was signed for an earlier start never
 * counts, and a restart forgets nothing.
 */
export class Freshness {
  readonly boot: string;
  #young = new Set<string>();
  #old = new Set<string>();
  #turnedAt: number;

  /** `random`: 6 octets. */
  constructor(random: Uint8Array, now: number) {
    this.boot = toBase64Url(random);
    this.#turnedAt = now;
  }

  /** True once per nonce: for this boot, and signed within the window. `created` in s, `now` in ms. */
  accept(nonce: string, created: number, now: number): boolean {
    if (bootOf(nonce) !== this.boot || Math.abs(now - created * 1000) > WINDOW_MS) return false;
    this.#turn(now);
    if (this.#young.has(nonce) || this.#old.has(nonce)) return false;
    this.#young.add(nonce);
    return true;
  }

  /** Two generations, each of a whole window's both sides, so that nothing is walked to be forgotten. */
  #turn(now: number): void {
    if (now - this.#turnedAt < 2 * WINDOW_MS) return;
    this.#old = this.#young;
    this.#young = new Set();
    this.#turnedAt = now;
  }
}

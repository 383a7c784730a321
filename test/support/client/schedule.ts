/** When ztunnel asks again (istio-contract §A7). All times are milliseconds. */

/** notBefore + (notAfter − notBefore) / 2, no jitter (WorkloadCertificate::refresh_at). A moment in the past means at once: the hot loop. */
export function refreshAt(notBefore: number, notAfter: number): number {
  return notBefore + Math.max(0, notAfter - notBefore) / 2;
}

const FIRST = 1_000;
const LONGEST = 150_000;
const SPREAD = 0.2;
const GIVES_UP_AFTER = 900_000;

/** Per identity, for every code alike: 1 s, doubled, ±20 %, at most 150 s; constant 150 s after 15 minutes (manager.rs, backoff 0.4). */
export class Backoff {
  readonly #random: () => number;
  readonly #began: number;
  #current = FIRST;

  /** @param random uniform in [0, 1) */
  constructor(now: number, random: () => number) {
    this.#began = now;
    this.#random = random;
  }

  next(now: number): number {
    if (now - this.#began > GIVES_UP_AFTER) return LONGEST;
    const wait = this.#current * (1 - SPREAD + 2 * SPREAD * this.#random());
    this.#current = Math.min(this.#current * 2, LONGEST);
    return wait;
  }
}

/** pilot-agent counts from the moment of receipt, so that back-dating does not matter: now + (0.5 ± 0.01) × (notAfter − now) (rotateTime). */
export function pilotRotateAt(now: number, notAfter: number, random: () => number): number {
  const ratio = 0.5 + 0.01 * (2 * random() - 1);
  return now + (notAfter - now) * (1 - ratio);
}

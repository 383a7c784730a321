/** Time as it is passed in, so that holds of hours can be tested in milliseconds. */
export interface Clock {
  /** ms since 1970 */
  now(): number;
  /** Runs once after `ms`; the answer cancels it. */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** `ms` give or take `share` of it, so that replicas do not act in step. `random` is uniform in [0, 1). */
export function jittered(ms: number, share: number, random: () => number): number {
  return ms * (1 - share + 2 * share * random());
}

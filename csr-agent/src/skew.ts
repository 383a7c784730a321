/** One answer of the CA against our clock; all in ms since 1970. */
export interface SkewSample {
  readonly sentAt: number;
  readonly receivedAt: number;
  /** The CA's clock, from an answer whose signature holds. */
  readonly theirs: number;
}

export type SkewLevel = 'fine' | 'warn' | 'hold';

/** From here on an operator should hear of it. */
const SKEW_WARN_MS = 30_000;
/** The longest back-date of a leaf: a peer with this clock would not believe our certificates any more. */
const SKEW_HOLD_MS = 300_000;

/** Enough to find a quick round trip among slow ones. */
const KEPT_SAMPLES = 8;

interface Measured {
  readonly offset: number;
  /** Half the round trip: the true offset is within this of `offset`. */
  readonly error: number;
}

/**
 * How far our clock is behind the CA's, from the answers to our requests: their time against the middle of the round
 * trip. The quickest of the last few counts; one that contradicts it means that a clock was set, and starts anew.
 */
export class Skew {
  #samples: Measured[] = [];
  readonly #onLevel: (level: SkewLevel, ms: number) => void;
  #level: SkewLevel = 'fine';

  constructor(onLevel: (level: SkewLevel, ms: number) => void = () => {}) {
    this.#onLevel = onLevel;
  }

  observe({ sentAt, receivedAt, theirs }: SkewSample): void {
    const roundTrip = receivedAt - sentAt;
    // Our own clock went back while the call was out: it says nothing.
    if (roundTrip < 0) return;
    const sample = { offset: theirs - (sentAt + roundTrip / 2), error: roundTrip / 2 };
    const best = this.#best();
    if (best !== undefined && Math.abs(best.offset - sample.offset) > best.error + sample.error + 1) this.#samples = [];
    this.#samples.push(sample);
    if (this.#samples.length > KEPT_SAMPLES) this.#samples.shift();
    const level = this.level;
    if (level === this.#level) return;
    this.#level = level;
    this.#onLevel(level, this.ms);
  }

  /** What to add to our clock to have the CA's; 0 before the first answer. */
  get ms(): number {
    return this.#best()?.offset ?? 0;
  }

  get level(): SkewLevel {
    const size = Math.abs(this.ms);
    return size > SKEW_HOLD_MS ? 'hold' : size >= SKEW_WARN_MS ? 'warn' : 'fine';
  }

  /** A time of our clock by the CA's, in whole ms. */
  correct(ours: number): number {
    return Math.round(ours + this.ms);
  }

  #best(): Measured | undefined {
    let best = this.#samples[0];
    for (const sample of this.#samples) if (best === undefined || sample.error <= best.error) best = sample;
    return best;
  }
}

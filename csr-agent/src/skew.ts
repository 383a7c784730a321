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
  /** Of the wall clock against one that nobody sets, at the time. */
  readonly wall: number;
  readonly offset: number;
  /** Half the round trip: the true offset is within this of `offset`. */
  readonly error: number;
}

/**
 * How far our clock is behind the CA's, from the answers to our requests: their time against the middle of the round
 * trip. The quickest of the last few counts; one that contradicts it means that a clock was set, and starts anew. Our clock
 * being set back is seen at once. Being set forward looks like a machine that slept, and waits for the next answer.
 */
export class Skew {
  #samples: Measured[] = [];
  readonly #onLevel: (level: SkewLevel, ms: number) => void;
  readonly #wall: () => number;
  #level: SkewLevel = 'fine';

  /** @param wall ms of the wall clock less those of a monotonic one: it moves only when the former is set or the machine sleeps */
  constructor(onLevel: (level: SkewLevel, ms: number) => void = () => {}, wall: () => number = () => 0) {
    this.#onLevel = onLevel;
    this.#wall = wall;
  }

  observe({ sentAt, receivedAt, theirs }: SkewSample): void {
    const roundTrip = receivedAt - sentAt;
    // Our own clock went back while the call was out: it says nothing.
    if (roundTrip < 0) return;
    const sample = { wall: this.#wall(), offset: theirs - (sentAt + roundTrip / 2), error: roundTrip / 2 };
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
    const best = this.#best();
    return best === undefined ? 0 : best.offset + Math.max(0, best.wall - this.#wall());
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

import type { Random } from './random.ts';
import type { Target } from './target.ts';

export interface Counts {
  /** Calls of our parser, one for each input. */
  executions: number;
  accepted: number;
  /** Accepted inputs that the others were asked about. */
  differential: number;
  /** Refused inputs that the others were asked about, and how many of these they accept: we are stricter there. */
  refusedAsked: number;
  stricter: number;
}

export interface Finding {
  input: Uint8Array;
  what: string;
}

const MAX_CORPUS = 2_000;
const MAX_INPUT_BYTES = 8 * 1_024;
const REFUSED_ASKED_ONE_IN = 1_024;
const SLOW_MS = 50;
/** A pause of the machine is no slowness of a parser: it must be slow every time. */
const SLOW_TIMES = 5;

export const noCounts = (): Counts => ({ executions: 0, accepted: 0, differential: 0, refusedAsked: 0, stricter: 0 });

/** One target under mutated inputs. An input with an outcome that was not seen before joins the corpus. */
export class Fuzzer {
  readonly counts = noCounts();
  readonly findings: Finding[] = [];
  /** Inputs that joined the corpus since the start. */
  readonly fresh: Uint8Array[] = [];
  readonly #target: Target;
  readonly #random: Random;
  readonly #corpus: Uint8Array[] = [];
  readonly #outcomes = new Set<string>();

  constructor(target: Target, random: Random, corpus: readonly Uint8Array[] = []) {
    this.#target = target;
    this.#random = random;
    for (const input of [...target.seeds(), ...corpus]) {
      this.#corpus.push(input);
      this.run(input);
    }
    this.fresh.length = 0;
  }

  get corpusSize(): number {
    return this.#corpus.length;
  }

  /** `executions` mutated inputs. */
  go(executions: number): void {
    const { mutate } = this.#target;
    for (let left = executions; left > 0; left--) {
      const input = mutate(this.#random.pick(this.#corpus), this.#random, this.#random.pick(this.#corpus));
      this.run(input.length > MAX_INPUT_BYTES ? input.subarray(0, MAX_INPUT_BYTES) : input);
    }
  }

  /** One input. */
  run(input: Uint8Array): void {
    this.counts.executions++;
    const began = performance.now();
    let read: unknown;
    try {
      read = this.#target.parse(input);
    } catch (error) {
      if (this.#target.isRefusal(error)) this.#refused(input, error);
      else this.#found(input, `throws ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      this.#checkTime(input, performance.now() - began);
      return;
    }
    this.#checkTime(input, performance.now() - began);
    this.#accepted(input, read);
  }

  #refused(input: Uint8Array, error: Error): void {
    // Numbers aside, a message names the place that refused.
    this.#keep(input, error.message.replaceAll(/0x[0-9a-f]+|[\d.]*\d/g, '#').slice(0, 200));
    if (!this.#random.chance(REFUSED_ASKED_ONE_IN)) return;
    this.counts.refusedAsked++;
    if (this.#othersAccept(input)) this.counts.stricter++;
  }

  #accepted(input: Uint8Array, read: unknown): void {
    this.counts.accepted++;
    const fresh = this.#keep(input, `accepted ${input.length}`);
    if (!fresh && !this.#random.chance(this.#target.compareOneIn)) return;
    this.counts.differential++;
    const difference = this.#compare(input, read);
    if (difference !== null) this.#found(input, difference);
  }

  #othersAccept(input: Uint8Array): boolean {
    try {
      return this.#target.othersAccept(input);
    } catch {
      return false;
    }
  }

  /** A reader that reads lazily refuses only when it is asked for a part. */
  #compare(input: Uint8Array, read: unknown): string | null {
    try {
      return this.#target.compare(input, read);
    } catch (error) {
      return `another reader throws: ${(error as Error).message}`;
    }
  }

  #keep(input: Uint8Array, outcome: string): boolean {
    if (this.#outcomes.has(outcome)) return false;
    this.#outcomes.add(outcome);
    if (this.#corpus.length < MAX_CORPUS) {
      const copy = Uint8Array.from(input);
      this.#corpus.push(copy);
      this.fresh.push(copy);
    }
    return true;
  }

  #found(input: Uint8Array, what: string): void {
    if (this.findings.length < 20) this.findings.push({ input: Uint8Array.from(input), what });
  }

  #checkTime(input: Uint8Array, ms: number): void {
    if (ms < SLOW_MS) return;
    for (let time = 0; time < SLOW_TIMES; time++) {
      const began = performance.now();
      try {
        this.#target.parse(input);
      } catch {
        // Only its time counts here.
      }
      if (performance.now() - began < SLOW_MS) return;
    }
    this.#found(input, `takes more than ${SLOW_MS} ms for ${input.length} bytes`);
  }
}

import { sleep, until } from '../../support/processes.ts';
import type { Sidecar } from './sidecar.ts';

export interface Made {
  way: string;
  text: string;
}

const PAUSE = 100;

/** Requests from each to its peer, one after the other on each way, until `stop`. */
export class Requests {
  readonly made: Made[] = [];
  readonly #stopped = new AbortController();
  readonly #loops: Promise<void>[];
  readonly #ways: number;

  constructor(ways: readonly (readonly [Sidecar, string])[]) {
    this.#ways = ways.length;
    this.#loops = ways.map((way) => this.#loop(way));
  }

  async #loop([from, to]: readonly [Sidecar, string]): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.made.push({ way: `${from.name} to ${to}`, text: (await from.get(to)).text });
      await sleep(PAUSE);
    }
  }

  /** Waits for `each` more answers on each way. */
  async more(each: number): Promise<void> {
    const enough = this.made.length + each * this.#ways;
    await until('more requests', 60_000, () => this.made.length >= enough);
  }

  async stop(): Promise<Made[]> {
    this.#stopped.abort();
    await Promise.all(this.#loops);
    return this.made;
  }
}

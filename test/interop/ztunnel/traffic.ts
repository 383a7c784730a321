import { sleep } from '../../support/processes.ts';
import type { Dedicated } from './dedicated.ts';
import type { Workload } from './mesh.ts';

/** One request through the mesh; times are milliseconds since 1970. */
export interface Answer {
  began: number;
  ended: number;
  way: string;
  /** `200 …`, or `000 …` for none. */
  text: string;
}

/** From whose ztunnel to which workload; asked for anew before each request, so that a ztunnel can be replaced meanwhile. */
export type Ways = () => readonly (readonly [Dedicated, Workload])[];

export const bothWays =
  (a: Dedicated, b: Dedicated): Ways =>
  () => [
    [a, b.workload],
    [b, a.workload],
  ];

const PAUSE = 300;

/** Requests on every way, until `stop`; POOL_UNUSED_RELEASE_TIMEOUT, below the pause, makes nearly each a new handshake. */
export class Traffic {
  readonly answers: Answer[] = [];
  readonly #stopped = new AbortController();
  readonly #loops: Promise<void>[];

  constructor(ways: Ways) {
    this.#loops = ways().map((_, index) => this.#loop(() => ways()[index]!));
  }

  async #loop(way: () => readonly [Dedicated, Workload]): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const [from, to] = way();
      const began = Date.now();
      const text = await from.get(to);
      this.answers.push({ began, ended: Date.now(), way: `${from.workload.name} to ${to.name}`, text });
      await sleep(PAUSE);
    }
  }

  /** Everything that was asked, in the order of the answers. */
  async stop(): Promise<Answer[]> {
    this.#stopped.abort();
    await Promise.all(this.#loops);
    return this.answers;
  }
}

export const failed = (answers: readonly Answer[]): Answer[] => answers.filter(({ text }) => !text.startsWith('200 '));

/** What both ztunnels logged as the reason of a failed connection, each once. */
export function reasons(...sides: readonly Pick<Dedicated, 'wholeLog'>[]): string[] {
  return [
    ...new Set(sides.flatMap((side) => [...side.wholeLog.matchAll(/\berror="?(.*)$/gm)].map(([, text = '']) => text))),
  ];
}

/**
 * Of those, the ones that are about a certificate: of ours, of the peer's, or of one that is not there. Who refuses one says so by
 * an alert, so a handshake that merely ends is none.
 */
export const aboutCertificates = (all: readonly string[]): string[] =>
  all.filter((reason) => /certificate|issuer|UnknownCA|alert|expired|identity/i.test(reason));

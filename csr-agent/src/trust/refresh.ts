import { AGENT_PATHS, clusterPath, encodeTrustRequest } from '../../../ca-service/src/client/protocol.ts';
import type { Clock } from '../clock.ts';
import type { AnswerKeys } from '../edge/answer.ts';
import type { SignedCalls } from '../edge/call.ts';
import { UpstreamError } from '../edge/errors.ts';
import { TrustError } from './errors.ts';
import type { Candidate, TrustStore } from './store.ts';

export interface TrustRefreshOptions {
  readonly calls: SignedCalls;
  readonly store: TrustStore;
  readonly trustDomain: string;
  readonly cluster: string;
  readonly clock: Clock;
  /** Told of every document that was refused. */
  readonly refused: (error: TrustError) => void;
}

const HINT_EVERY_MS = 2_000;
const BODY = encodeTrustRequest({ version: 1 });

/** Fetches the trust document. Its answer is signed by a key that it certifies itself, under roots that are accepted. */
export class TrustRefresh {
  readonly #options: TrustRefreshOptions;
  readonly #path: string;
  #pending: Promise<void> | null = null;
  #hintedAt = -Infinity;

  constructor(options: TrustRefreshOptions) {
    this.#options = options;
    this.#path = `${clusterPath(options.trustDomain, options.cluster)}/${AGENT_PATHS.trust}`;
  }

  /** One at a time: whoever asks meanwhile gets the same one. Rejects with UpstreamError. */
  refresh(): Promise<void> {
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  /** An answer told of a newer document. Now and then is enough: one that is refused would be fetched with every call. */
  hint(): void {
    const now = this.#options.clock.now();
    if (now - this.#hintedAt < HINT_EVERY_MS) return;
    this.#hintedAt = now;
    // Nobody waits for it, and what was refused was told.
    this.refresh().catch(() => {});
  }

  /**
   * Whether the CA answers: a call of its own, whatever else is under way. A document that is refused is an answer, too, while one is
   * stored: it was told of, and the stored one still judges what comes.
   */
  async probe(): Promise<void> {
    try {
      await this.#fetch();
    } catch (error) {
      const refused = error instanceof UpstreamError && error.code === 'trust-refused';
      if (!refused || this.#options.store.bundle === null) throw error;
    }
  }

  async #fetch(): Promise<void> {
    const { calls, store } = this.#options;
    let candidate: Candidate | null = null;
    const keys: AnswerKeys = (keyid, body) => {
      candidate = null;
      const known = store.answerKey(keyid);
      if (known !== null) return known;
      candidate = this.#told(() => store.judge(body));
      return candidate?.answerKey.keyid === keyid ? candidate.answerKey : null;
    };
    const answer = await calls.post('trust', this.#path, BODY, keys);
    const judged: Candidate | null = candidate ?? this.#told(() => store.judge(answer.body));
    if (judged === null) throw new UpstreamError('answer-malformed', 'the answer is no trust document');
    calls.learn(judged.bundle.document, answer);
    // Another may have been adopted since it was judged.
    this.#told(() => store.adopt(judged));
  }

  /** Tells of a document that is refused, at whichever step. */
  #told<T>(step: () => T): T {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      this.#options.refused(error);
      throw new UpstreamError('trust-refused', `${error.code}: ${error.message}`, { cause: error });
    }
  }
}

import { AGENT_PATHS, clusterPath } from '../../../ca-service/src/client/protocol.ts';
import type { TrustStore } from '../trust/store.ts';
import type { SignedCalls } from './call.ts';
import { UpstreamError } from './errors.ts';
import type { HttpAnswer } from './http.ts';

export interface ClusterCallsOptions {
  readonly calls: SignedCalls;
  readonly trust: TrustStore;
  readonly refresh: () => Promise<void>;
  readonly trustDomain: string;
  readonly cluster: string;
}

const PATHS = { issue: AGENT_PATHS.certificates, serving: AGENT_PATHS.serving } as const;

/** Calls whose answers are signed by the answer key of the accepted trust. */
export class ClusterCalls {
  readonly #options: ClusterCallsOptions;
  readonly #base: string;

  constructor(options: ClusterCallsOptions) {
    this.#options = options;
    this.#base = clusterPath(options.trustDomain, options.cluster);
  }

  /** As SignedCalls.post; an answer key that has been replaced is fetched with the trust document, once. */
  async post(kind: keyof typeof PATHS, body: Uint8Array): Promise<HttpAnswer> {
    const { calls, trust, refresh } = this.#options;
    const send = (): Promise<HttpAnswer> =>
      calls.post(kind, `${this.#base}/${PATHS[kind]}`, body, (keyid) => trust.answerKey(keyid));
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.code !== 'answer-key-unknown') throw error;
      await refresh();
      return send();
    }
  }

  /** What the body of an answer says beside its matter. */
  learn(said: { boot: string; time: number }, answer: HttpAnswer): void {
    this.#options.calls.learn(said, answer);
  }
}

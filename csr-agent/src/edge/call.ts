import { AGENT_KEY_HEADER } from '../../../ca-service/src/client/agent_key.ts';
import { contentDigest } from '../../../ca-service/src/client/content_digest.ts';
import { formatNonce, NO_BOOT, signRequest } from '../../../ca-service/src/client/message_signature.ts';
import { isAgain } from '../../../ca-service/src/client/problem.ts';
import type { SyncCryptoPort } from '../../../pki/src/crypto/port.ts';
import type { Clock } from '../clock.ts';
import type { Skew } from '../skew.ts';
import type { RenewedToken } from '../token_source/renewed.ts';
import type { AgentSigningKey } from './agent_key.ts';
import { type AnswerKeys, checkAnswer, inWords, problemIn } from './answer.ts';
import { upstreamError, UpstreamError } from './errors.ts';
import type { HttpAnswer, HttpClient } from './http.ts';

export type CallKind = 'issue' | 'serving' | 'trust';

export interface CallOptions {
  readonly http: Pick<HttpClient, 'post'>;
  /** As configured: what is signed, whatever proxies make of it. */
  readonly url: string;
  readonly key: AgentSigningKey;
  readonly token: Pick<RenewedToken, 'current' | 'distrust'>;
  readonly crypto: SyncCryptoPort;
  readonly clock: Clock;
  readonly skew: Skew;
  /** `outcome`: `ok`, `again`, or the code of the failure. */
  readonly counted: (kind: CallKind, outcome: string, seconds: number) => void;
}

const CALL_DEADLINE_MS = 5_000;

/** One that was lost with its connection, and two that the CA wants signed anew. */
const MAX_TRIES = 4;

/**
 * The one place where requests are signed and answers are believed. A request is signed for the boot and by the clock of
 * the object that will judge it; told otherwise (`again`), it is signed anew at once.
 */
export class SignedCalls {
  readonly #options: CallOptions;
  #boot: string = NO_BOOT;

  constructor(options: CallOptions) {
    this.#options = options;
  }

  /** The boot id of the cluster's object, as the last answer had it. */
  get boot(): string {
    return this.#boot;
  }

  /** What every signed body says beside its matter. */
  learn(said: { boot: string; time: number }, answer: Pick<HttpAnswer, 'sentAt' | 'receivedAt'>): void {
    this.#boot = said.boot;
    this.#options.skew.observe({ sentAt: answer.sentAt, receivedAt: answer.receivedAt, theirs: said.time });
  }

  /**
   * The answer of status 200, its signature verified.
   *
   * @throws UpstreamError; its code is `problem` for a refusal that the CA signed
   */
  async post(
    kind: CallKind,
    path: string,
    body: Uint8Array,
    keys: AnswerKeys,
    deadlineMs = CALL_DEADLINE_MS,
  ): Promise<HttpAnswer> {
    for (let tries = 1; ; tries++) {
      const startedAt = this.#options.clock.now();
      const done = (outcome: string): void =>
        this.#options.counted(kind, outcome, (this.#options.clock.now() - startedAt) / 1000);
      try {
        // Each attempt waits for what the one before was told.
        // oxlint-disable-next-line no-await-in-loop
        const answer = await this.#attempt(path, body, keys, deadlineMs);
        done(answer === 'again' ? 'again' : 'ok');
        if (answer !== 'again') return answer;
      } catch (error) {
        const failure = upstreamError(error, 'answer-malformed');
        done(failure.problem?.code ?? failure.code);
        if (failure.code !== 'connection-lost' || tries === MAX_TRIES) throw failure;
      }
      if (tries === MAX_TRIES) throw new UpstreamError('answer-malformed', 'asked to sign again and again');
    }
  }

  async #attempt(path: string, body: Uint8Array, keys: AnswerKeys, deadlineMs: number): Promise<HttpAnswer | 'again'> {
    const { http, crypto, token } = this.#options;
    const { headers, signatureText } = await this.#sign(path, body);
    const answer = await http.post(path, headers, body, deadlineMs);
    try {
      await checkAnswer(crypto, answer, signatureText, keys);
    } catch (error) {
      // Who says so is not known: a fresh token is cheap, and is fetched for this now and then only.
      if (error instanceof UpstreamError && error.problem?.code === 'agent-token') token.distrust();
      throw error;
    }
    if (answer.status === 200) return answer;
    const problem = problemIn(answer.body);
    if (problem !== null && isAgain(problem)) {
      this.learn(problem, answer);
      return 'again';
    }
    throw new UpstreamError('problem', `HTTP ${answer.status}${inWords(problem)}`, { status: answer.status, problem });
  }

  async #sign(path: string, body: Uint8Array): Promise<{ headers: Record<string, string>; signatureText: string }> {
    const { crypto, clock, key, skew, url } = this.#options;
    const authorization = `Bearer ${await this.#token()}`;
    const digest = await contentDigest(crypto, body);
    const { signatureText, ...signature } = await signRequest(
      { method: 'POST', targetUri: url + path, contentDigest: digest, authorization },
      {
        created: Math.floor(skew.correct(clock.now()) / 1000),
        nonce: formatNonce(this.#boot, crypto.random(16)),
        keyid: key.thumbprint,
      },
      key.sign,
    );
    return {
      headers: { authorization, [AGENT_KEY_HEADER]: key.header, 'content-digest': digest, ...signature },
      signatureText,
    };
  }

  async #token(): Promise<string> {
    try {
      return await this.#options.token.current();
    } catch (error) {
      throw upstreamError(error, 'token-source');
    }
  }
}

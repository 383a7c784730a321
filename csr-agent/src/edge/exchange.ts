import {
  type BatchAnswer,
  decodeBatchAnswer,
  encodeBatchRequest,
  type ItemAnswer,
  type RefusalCode,
} from '../../../ca-service/src/client/protocol.ts';
import { WireError } from '../../../ca-service/src/client/wire_error.ts';
import type { SyncCryptoPort } from '../../../pki/src/crypto/port.ts';
import { type Clock, jittered } from '../clock.ts';
import type { Skew } from '../skew.ts';
import type { SigningOutcome } from '../steps.ts';
import type { Bundle } from '../trust/bundle.ts';
import type { TrustStore } from '../trust/store.ts';
import { buildBatch, type BuiltBatch } from './batch.ts';
import type { ClusterCalls } from './cluster_calls.ts';
import { UpstreamError } from './errors.ts';
import type { Holds } from './hold.ts';
import { checkLeaf } from './leaf.ts';
import type { SealedTokens } from './sealed_tokens.ts';
import type { Exchange, Verdict, Waiting } from './waiting.ts';

export interface EdgeExchangeOptions {
  readonly calls: ClusterCalls;
  readonly trust: TrustStore;
  /** Fetches the trust document; rejects when that fails. */
  readonly refresh: () => Promise<void>;
  /** The same, some time soon, for a document that nobody waits for. */
  readonly hint: () => void;
  readonly tokens: SealedTokens;
  readonly holds: Holds;
  readonly skew: Skew;
  readonly crypto: SyncCryptoPort;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly batched: (items: number) => void;
  readonly judged: (verdict: ItemAnswer['status'] | 'bad') => void;
  readonly log: { error(fields: object, message: string): void };
}

/** Refusals that are for what was sent; all others are for who asked. */
const CSR_CODES: ReadonlySet<RefusalCode> = new Set(['csr-invalid', 'possession']);
/** A token that was sent and is asked for again: the edge forgets faster than it should. */
const ASKED_AGAIN_MS = 1_000;

/** One call for a batch of certificates, from the items to the verdict on each. */
export class EdgeExchange implements Exchange {
  readonly #options: EdgeExchangeOptions;

  constructor(options: EdgeExchangeOptions) {
    this.#options = options;
  }

  async exchange(batch: readonly Waiting[], answered: () => void): Promise<readonly Verdict[]> {
    const { tokens, skew, calls, batched } = this.#options;
    const bundle = this.#bundle();
    const { bundleVersion, evidenceKey } = bundle.document;
    const built = await buildBatch(batch, { bundleVersion, evidenceKey, tokens, skew });
    batched(batch.length);
    const http = await calls.post('issue', encodeBatchRequest(built.request));
    const answer = readAnswer(http.body, batch);
    calls.learn(answer, http);
    answered();
    tokens.bootIs(answer.boot);
    await this.#catchUp(answer, bundle);
    return answer.items.map((item, index) => this.#verdictOrTrouble(item, batch[index] as Waiting, built));
  }

  /**
   * The answer may be of a configuration that we have not seen. Only for a certificate by an intermediate that is not
   * known yet is the trust document waited for; all else can be judged by the one we have.
   */
  async #catchUp({ items, epoch, bundleVersion }: BatchAnswer, { document, intermediates }: Bundle): Promise<void> {
    const { refresh, hint } = this.#options;
    const stranger = items.some((item) => item.status === 'issued' && !intermediates.has(item.issuer));
    const stale =
      stranger ||
      // Its token may have been sealed to a key that is no longer the cluster's.
      (epoch > document.epoch && items.some((item) => item.status === 'token-needed'));
    if (!stale && epoch <= document.epoch && bundleVersion <= document.bundleVersion) return;
    if (!stale) hint();
    // The verdicts say what comes of its failure.
    else await refresh().catch(() => {});
  }

  /** A fault of ours in one item must not cost the others of its batch their certificates. */
  #verdictOrTrouble(item: ItemAnswer, waiting: Waiting, built: BuiltBatch): Verdict {
    try {
      return this.#verdict(item, waiting, built);
    } catch (err) {
      const { requestId } = waiting.request;
      this.#options.log.error(
        { err, requestId },
        'a fault of the agent kept the answer to one request from its caller',
      );
      return { kind: 'retry', afterMs: 0, trouble: true };
    }
  }

  #verdict(item: ItemAnswer, waiting: Waiting, built: BuiltBatch): Verdict {
    const { tokens, judged, random } = this.#options;
    const { tokenHash } = waiting.request.caller;
    if (item.status !== 'token-needed') tokens.taken(tokenHash);
    if (item.status !== 'issued') judged(item.status);
    switch (item.status) {
      case 'issued':
        return this.#issued(item, waiting);
      case 'wait':
        // Spread, so that those who wait together do not come back together.
        return { kind: 'retry', afterMs: item.retryAfterMs + jittered(20, 1, random), trouble: false };
      case 'token-needed':
        tokens.needed(tokenHash);
        return { kind: 'retry', afterMs: built.sent.has(tokenHash) ? ASKED_AGAIN_MS : 0, trouble: false };
      case 'refused':
        return { kind: 'settle', outcome: refusalOf(item) };
      default:
        return item satisfies never;
    }
  }

  #issued(item: Extract<ItemAnswer, { status: 'issued' }>, { request }: Waiting): Verdict {
    const { crypto, clock, skew, holds, judged, log } = this.#options;
    const { requestId, csr, identityText } = request;
    try {
      const bundle = this.#bundle();
      const issuer = bundle.intermediates.get(item.issuer);
      if (issuer === undefined) {
        throw new UpstreamError(
          'leaf-refused',
          `issued by the intermediate ${item.issuer}, which is not in the trust document`,
        );
      }
      // A copy of its own: the reply and the log outlive the buffer pool.
      const der = new Uint8Array(Buffer.from(item.certificate, 'base64'));
      const claim = { der, issuer, spki: csr.spki, identity: identityText };
      const { chain, serial, notAfter } = checkLeaf(crypto, bundle, claim, skew.correct(clock.now()));
      // The hold is measured by our clock.
      holds.issued(request, notAfter - skew.ms);
      judged('issued');
      return { kind: 'settle', outcome: { ok: true, chain, serial, notAfter, issuer: item.issuer } };
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      judged('bad');
      log.error(
        { requestId, identity: identityText, issuer: item.issuer, reason: error.message },
        'refused a certificate of the CA',
      );
      return { kind: 'retry', afterMs: 0, trouble: true };
    }
  }

  #bundle(): Bundle {
    const { bundle } = this.#options.trust;
    if (bundle === null) throw new UpstreamError('no-trust', 'no bundle has been accepted yet');
    return bundle;
  }
}

function refusalOf({ code, reason }: Extract<ItemAnswer, { status: 'refused' }>): SigningOutcome {
  return { ok: false, kind: CSR_CODES.has(code) ? 'csr' : 'refused', code, reason };
}

/** One answer for each item, in their order. */
function readAnswer(body: Uint8Array, batch: readonly Waiting[]): BatchAnswer {
  let answer: BatchAnswer;
  try {
    answer = decodeBatchAnswer(body);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new UpstreamError('answer-malformed', error.message, { cause: error });
  }
  const { items } = answer;
  if (items.length !== batch.length || items.some(({ id }, index) => id !== batch[index]?.request.requestId)) {
    throw new UpstreamError('answer-malformed', 'the answer is not one for each item in their order');
  }
  return answer;
}

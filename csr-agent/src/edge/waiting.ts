import type { SigningOutcome, SigningRequest } from '../steps.ts';
import type { Hold } from './hold.ts';

/** A request that waits for its certificate. */
export interface Waiting {
  readonly request: SigningRequest;
  /** base64 DER, made once however often it is sent. */
  readonly csr: string;
  readonly hold: Hold;
  readonly callerKey: string;
  readonly dueBy: number;
  /** ms since 1970 */
  readonly queuedAt: number;
  place: 'queued' | 'delayed' | 'sent' | 'settled';
  /** Attempts that came to nothing through trouble of ours. */
  failures: number;
  /** After a call that was refused whole: so that one item cannot take others with it for ever. */
  alone: boolean;
  /** Ends the delay of a `delayed` one, so that what is settled is not kept by its timer. */
  endDelay: () => void;
  /** Answers the caller; the first time counts. */
  readonly settle: (outcome: SigningOutcome) => void;
}

/** What came of one item of a call. */
export type Verdict =
  | { readonly kind: 'settle'; readonly outcome: SigningOutcome }
  /** `trouble`: whether it counts as a failed attempt. */
  | { readonly kind: 'retry'; readonly afterMs: number; readonly trouble: boolean };

/** Sends a batch and reads the answer. */
export interface Exchange {
  /**
   * One verdict for each item, in order. `answered` is called as soon as an answer is in and believed, before the
   * certificates in it are verified, so that the next call can be on its way meanwhile.
   *
   * @throws UpstreamError when the call came to nothing
   */
  exchange(batch: readonly Waiting[], answered: () => void): Promise<readonly Verdict[]>;
}

export const unavailable = (code: string, reason: string): SigningOutcome => ({
  ok: false,
  kind: 'unavailable',
  code,
  reason,
});

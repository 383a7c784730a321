import { toBase64 } from '../../../pki/src/bytes.ts';
import { compareSigned, signLeaf, type LintedLeaf } from '../../../pki/src/leaf/prepare.ts';
import type { ItemAnswer } from '../client/protocol.ts';
import type { Decision } from './decide.ts';
import type { Intermediate } from './key_store.ts';

/** A recorded certificate whose signature failed is asked for again; its row stands and counts as alive. */
const SIGN_RETRY_MS = 1_000;

export type Signed = { answer: ItemAnswer; failure: string | null };

/** Signs what was recorded, and holds each certificate against what was linted. One failed signature spoils no other. */
export function signRecorded(decisions: readonly Decision[], issuer: Intermediate): Promise<Signed[]> {
  return Promise.all(
    decisions.map(async (decision): Promise<Signed> => {
      const { id } = decision;
      if (decision.status === 'failed') {
        return { answer: { id, status: 'wait', retryAfterMs: decision.retryAfterMs }, failure: decision.reason };
      }
      if (decision.status !== 'sign') return { answer: decision, failure: null };
      try {
        const certificate = toBase64(await signAndCompare(decision.linted, issuer));
        return { answer: { id, status: 'issued', certificate, issuer: issuer.id }, failure: null };
      } catch (error) {
        return { answer: { id, status: 'wait', retryAfterMs: SIGN_RETRY_MS }, failure: String(error) };
      }
    }),
  );
}

export async function signAndCompare(linted: LintedLeaf, issuer: Intermediate): Promise<Uint8Array> {
  const certificate = await signLeaf(linted, issuer.signer);
  compareSigned(linted, certificate);
  return certificate;
}

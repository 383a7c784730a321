import { checkContentDigest } from '../../../ca-service/src/client/content_digest.ts';
import { parseAnswerSignature, verifyAnswer } from '../../../ca-service/src/client/message_signature.ts';
import { type Problem, readProblem } from '../../../ca-service/src/client/problem.ts';
import { WireError } from '../../../ca-service/src/client/wire_error.ts';
import type { SyncCryptoPort } from '../../../pki/src/crypto/port.ts';
import type { AnswerKey } from '../trust/answer_key.ts';
import { UpstreamError } from './errors.ts';
import type { HttpAnswer } from './http.ts';

/**
 * The key that signed an answer, by its `keyid`, or null when it is not known. `body` is not trusted yet: it is there for
 * the trust document, which brings the certificate of its own key.
 */
export type AnswerKeys = (keyid: string, body: Uint8Array) => AnswerKey | null;

/**
 * Lets an answer through only when the CA signed exactly this status and body in answer to exactly this request. What a
 * proxy answers, or makes of an answer, ends here; so it can delay, and nothing else.
 *
 * @throws UpstreamError `answer-unsigned`, `answer-key-unknown`, `answer-forged`, or what `keys` throws
 */
export async function checkAnswer(
  crypto: SyncCryptoPort,
  answer: HttpAnswer,
  requestSignature: string,
  keys: AnswerKeys,
): Promise<void> {
  const input = answer.header('signature-input');
  if (input === null) throw unsigned(answer);
  try {
    const parsed = parseAnswerSignature(input, answer.header('signature'));
    const digest = answer.header('content-digest');
    await checkContentDigest(crypto, digest, answer.body);
    const { keyid } = parsed.params;
    const key = keys(keyid, answer.body);
    if (key === null) throw new UpstreamError('answer-key-unknown', `signed by a key that we do not know, ${keyid}`);
    await verifyAnswer({ status: answer.status, contentDigest: digest ?? '', requestSignature }, parsed, key.verify);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new UpstreamError('answer-forged', error.message, { cause: error, status: answer.status });
  }
}

/** What it says goes to the log as hearsay: it is how an operator learns of a wrong name or token, or of a wrong clock. */
function unsigned(answer: HttpAnswer): UpstreamError {
  const { status, body } = answer;
  const problem = problemIn(body);
  const message = `HTTP ${status} without a signature${inWords(problem)}${clockIn(answer)}`;
  return new UpstreamError('answer-unsigned', message, { status, problem });
}

const MINUTE_MS = 60_000;

/** How far our clock is from the answer's Date, where that is minutes: tokens and certificates are refused for it. */
function clockIn(answer: HttpAnswer): string {
  const ahead = Math.round((answer.receivedAt - Date.parse(answer.header('date') ?? '')) / MINUTE_MS);
  if (Number.isNaN(ahead) || ahead === 0) return '';
  const how = `${Math.abs(ahead)} min ${ahead > 0 ? 'ahead of' : 'behind'}`;
  return `; our clock is ${how} that of who answered: set the clock of this node, or repair its time service`;
}

/** Null for what is no problem document. */
export function problemIn(body: Uint8Array): Problem | null {
  try {
    return readProblem(JSON.parse(new TextDecoder().decode(body)));
  } catch {
    return null;
  }
}

export function inWords(problem: Problem | null): string {
  if (problem === null) return '';
  const fix = problem.fix === undefined ? '' : ` (${problem.fix})`;
  return `: ${problem.code}, ${problem.detail ?? problem.title}${fix}`;
}

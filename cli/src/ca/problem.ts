import { readProblem, type Problem } from '../../../ca-service/src/client/problem.ts';
import { CliError, type CliErrorCode } from '../errors.ts';
import type { FetchAnswer } from './node_fetch.ts';

const BY_STATUS: Readonly<Record<number, CliErrorCode>> = {
  401: 'ca-denied',
  403: 'ca-denied',
  404: 'ca-not-found',
  409: 'ca-conflict',
  412: 'ca-conflict',
  429: 'ca-unavailable',
  502: 'ca-unavailable',
  503: 'ca-unavailable',
  504: 'ca-unavailable',
};

/** What helps when the CA itself names no next step. */
const NEXT_BY_CODE: Partial<Record<CliErrorCode, string>> = {
  'ca-denied':
    'check --token-file: the token may have expired, been revoked, or have too small a role (`ambient-ca api-token list`)',
  'ca-unavailable': 'try again in a moment; GET /healthz of the CA says what is wrong',
  'ca-not-found': 'check the names; `ambient-ca trust-domain list` and `cluster list` show them',
};

/** Turns a refusal of the CA into an error that says what to do. */
export function problemError(answer: FetchAnswer, doing: string): CliError {
  const problem = parseProblem(answer.text);
  const code = BY_STATUS[answer.status] ?? (answer.status >= 500 ? 'ca-answer' : 'ca-refused');
  const reason = problem?.detail ?? problem?.title ?? `HTTP ${answer.status}`;
  const faults = (problem?.faults ?? []).map((fault) => `\n  - ${printable(fault)}`).join('');
  return new CliError(code, `${doing}: ${printable(reason)}${faults}`, {
    next: problem?.fix === undefined ? NEXT_BY_CODE[code] : printable(problem.fix),
    problem: problem?.code,
  });
}

function parseProblem(text: string): Problem | null {
  try {
    return readProblem(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Control characters out, so that an answer cannot move a terminal's cursor. */
export function printable(text: string): string {
  return text.replaceAll(/\n|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => (character === '\n' ? character : '\uFFFD'));
}

import { toBase64Url, utf8 } from '../../../pki/src/bytes.ts';
import type { CryptoPort } from '../../../pki/src/crypto/port.ts';
import { type Problem, PROBLEM_TYPE } from '../client/problem.ts';

/** Nothing of an answer is for a browser to interpret or keep, unless a route says otherwise. */
const ALWAYS = { 'x-content-type-options': 'nosniff' };

export function problemAnswer(problem: Problem, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { ...ALWAYS, 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store', ...headers },
  });
}

export function jsonAnswer(status: number, value: unknown): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { ...ALWAYS, 'content-type': 'application/json', 'cache-control': 'no-store' },
  });
}

/** A read with a strong ETag over its bytes; 304 where the client has them (RFC 9110 §13.1.2). */
export async function taggedAnswer(
  crypto: Pick<CryptoPort, 'sha256'>,
  request: Request,
  body: string,
  headers: Record<string, string>,
): Promise<Response> {
  const etag = `"${toBase64Url((await crypto.sha256(utf8(body))).subarray(0, 16))}"`;
  const all = { ...ALWAYS, ...headers, etag };
  const known = (request.headers.get('if-none-match') ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (known.includes(etag) || known.includes('*')) return new Response(null, { status: 304, headers: all });
  return new Response(body, { status: 200, headers: all });
}

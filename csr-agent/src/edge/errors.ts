import type { Problem } from '../../../ca-service/src/client/problem.ts';

/** Why a call to the CA came to nothing. Stable: logs, metrics and tests name them. All of them are our own trouble. */
export type UpstreamErrorCode =
  // nothing came back
  | 'unreachable'
  | 'connection-lost'
  | 'deadline'
  | 'token-source'
  // something came back that is not from the CA as far as we can tell
  | 'answer-too-large'
  | 'answer-unsigned'
  | 'answer-forged'
  | 'answer-key-unknown'
  // the CA answered
  | 'answer-malformed'
  | 'problem'
  | 'trust-refused'
  | 'leaf-refused'
  | 'no-trust';

export interface UpstreamErrorOptions {
  readonly cause?: unknown;
  readonly status?: number;
  /** The problem document of the answer; believed only with the code `problem`, which says that it was signed. */
  readonly problem?: Problem | null;
}

/** Bad Request, Content Too Large, Unprocessable Content. */
const BODY_STATUSES: ReadonlySet<number> = new Set([400, 413, 422]);

/** A failure on the way to the CA or in what it answered. The message is for the log. */
export class UpstreamError extends Error {
  readonly code: UpstreamErrorCode;
  readonly status: number | null;
  readonly problem: Problem | null;

  constructor(code: UpstreamErrorCode, message: string, { cause, status, problem }: UpstreamErrorOptions = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'UpstreamError';
    this.code = code;
    this.status = status ?? null;
    this.problem = problem ?? null;
  }

  /**
   * The CA read this very body and will not have it, however often it is sent. What else it refuses is no fault of an item;
   * nor is a body that was altered on the way.
   */
  get refusesBody(): boolean {
    const altered = this.problem?.code === 'digest-mismatch';
    return this.code === 'problem' && this.status !== null && BODY_STATUSES.has(this.status) && !altered;
  }
}

/** What was thrown, as an UpstreamError; anything unforeseen gets the code `fallback`. */
export function upstreamError(error: unknown, fallback: UpstreamErrorCode): UpstreamError {
  if (error instanceof UpstreamError) return error;
  return new UpstreamError(fallback, error instanceof Error ? error.message : String(error), { cause: error });
}

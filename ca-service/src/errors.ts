import { type Problem, type ProblemMember, problemType } from './client/problem.ts';
import type { CaFailure, ObjectErrorCode } from './objects/rpc.ts';

export type CaErrorCode =
  | ObjectErrorCode
  // the deployment
  | 'config-invalid'
  // the request, before anyone is known
  | 'path-not-canonical'
  | 'route-unknown'
  | 'method-not-allowed'
  | 'query-invalid'
  | 'media-type'
  | 'body-too-large'
  | 'body-malformed'
  | 'idempotency-key'
  // the caller
  | 'forbidden'
  | 'agent-token'
  | 'agent-signature'
  | 'digest-mismatch'
  | 'again';

interface ErrorKind {
  readonly status: number;
  readonly title: string;
  /** The command that helps where the failure itself names none. */
  readonly fix?: string;
}

const SERVER_LOG = 'read the log of the CA around this time';

/** Every refusal of the HTTP API. Of 5xx only this text is told: what went wrong inside is for the log. */
export const ERRORS: Readonly<Record<CaErrorCode, ErrorKind>> = {
  'kek-missing': {
    status: 503,
    title: 'The key-encryption key is not set: nothing can be signed',
    fix: 'wrangler secret put KEK --env production',
  },
  'kek-mismatch': {
    status: 503,
    title: 'The key-encryption key is not the one that this state was written under',
    fix: 'set KEK to the key that this deployment was bootstrapped with',
  },
  'state-missing': {
    status: 503,
    title: 'The state of this instance is missing: it will not start as a second CA',
    fix: 'restore the state, or point INSTANCE_ID at the instance that is there',
  },
  'schema-newer': {
    status: 503,
    title: 'The state was written by a newer version of the service',
    fix: 'deploy the newer version again',
  },
  'not-bootstrapped': {
    status: 503,
    title: 'The CA has no administrator yet',
    fix: 'ambient-ca bootstrap --bootstrap-token-file FILE --out FILE',
  },
  'not-ready': { status: 503, title: 'The CA is not ready to do this yet', fix: 'try again in a moment' },
  'stale-epoch': { status: 503, title: 'The configuration is changing', fix: 'try again in a moment' },
  'config-invalid': {
    status: 503,
    title: 'The settings of this deployment are invalid',
    fix: 'GET /healthz names them',
  },
  internal: { status: 500, title: 'The service failed', fix: SERVER_LOG },

  'path-not-canonical': { status: 400, title: 'The path is not in its one canonical form', fix: 'GET /openapi.json' },
  'route-unknown': { status: 404, title: 'There is no such route', fix: 'GET /openapi.json' },
  'method-not-allowed': { status: 405, title: 'The route does not have this method', fix: 'GET /openapi.json' },
  'query-invalid': { status: 400, title: 'The query is invalid', fix: 'GET /openapi.json' },
  'media-type': { status: 415, title: 'The body must be JSON', fix: 'send content-type: application/json' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'body-malformed': { status: 400, title: 'The body is malformed', fix: 'GET /openapi.json' },
  'idempotency-key': { status: 400, title: 'The Idempotency-Key is not 1 to 128 visible ASCII characters' },

  unauthenticated: {
    status: 401,
    title: 'The API token is missing, unknown, expired or revoked',
    fix: 'name a valid token with --token-file or AMBIENT_CA_TOKEN_FILE',
  },
  forbidden: { status: 403, title: 'The token does not permit this', fix: 'ambient-ca api-token list' },
  'agent-token': { status: 401, title: 'The token of the agent is refused' },
  'agent-signature': { status: 401, title: 'The signature of the request is refused' },
  'digest-mismatch': { status: 400, title: 'The body is not the one that was signed' },
  again: { status: 409, title: 'Sign the request again, for this boot and by this clock' },
  'cluster-disabled': { status: 403, title: 'The cluster is disabled', fix: 'ambient-ca cluster show NAME' },

  'not-found': { status: 404, title: 'There is nothing of this name', fix: 'ambient-ca trust-domain list' },
  'already-bootstrapped': {
    status: 409,
    title: 'The CA was bootstrapped before',
    fix: 'use the admin token made then',
  },
  'already-exists': { status: 409, title: 'The name is taken' },
  'idempotency-mismatch': { status: 422, title: 'The Idempotency-Key was used for another request' },
  invalid: { status: 400, title: 'The input is invalid' },
  'keys-in-use': { status: 409, title: 'Another cluster is enrolled with these keys' },
  'all-namespaces-unconfirmed': {
    status: 409,
    title: 'All namespaces for a second cluster of a trust domain must be confirmed',
    fix: 'ambient-ca cluster enrol … --confirm-all-namespaces',
  },
  'no-root': { status: 409, title: 'The trust domain has no root', fix: 'ambient-ca root create --trust-domain NAME' },
  'last-admin': { status: 409, title: 'The last administrator cannot be removed' },
};

export interface CaErrorOptions {
  fix?: string | undefined;
  extra?: Record<string, ProblemMember>;
  cause?: unknown;
}

/** A refusal on its way to the client. The message is for the client below 500, and only for the log above. */
export class CaError extends Error {
  readonly code: CaErrorCode;
  readonly fix: string | undefined;
  readonly extra: Record<string, ProblemMember>;

  constructor(code: CaErrorCode, detail: string, { fix, extra = {}, cause }: CaErrorOptions = {}) {
    super(detail, cause === undefined ? {} : { cause });
    this.name = 'CaError';
    this.code = code;
    this.fix = fix;
    this.extra = extra;
  }

  static of(failure: CaFailure): CaError {
    const { code, detail, fix, extra } = failure;
    return new CaError(code, detail, { fix, ...(extra === undefined ? {} : { extra }) });
  }
}

/** The problem document of an error; what is not a CaError is `internal`. */
export function problemOf(error: unknown): Problem {
  const { code, message, fix, extra } =
    error instanceof CaError ? error : new CaError('internal', 'unforeseen', { cause: error });
  const kind = ERRORS[code];
  const known = { type: problemType(code), title: kind.title, status: kind.status, code };
  const help = kind.status >= 500 ? kind.fix : (fix ?? kind.fix);
  return {
    ...(kind.status >= 500 ? {} : { ...extra, detail: message }),
    ...(help === undefined ? {} : { fix: help }),
    ...known,
  };
}

/** The value of an object's answer; its failure becomes a CaError. */
export function valueOf<T>(reply: { ok: true; value: T } | { ok: false; error: CaFailure }): T {
  if (reply.ok) return reply.value;
  throw CaError.of(reply.error);
}

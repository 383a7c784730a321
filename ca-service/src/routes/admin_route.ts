import { z } from '@hono/zod-openapi';
import { fromUtf8 } from '../../../pki/src/bytes.ts';
import { ACCESS, permits, type RouteKey, type Scope } from '../auth/access.ts';
import { authenticateAdmin } from '../auth/admin.ts';
import { CaError, problemOf } from '../errors.ts';
import { jsonAnswer, taggedAnswer } from '../http/answer.ts';
import { readBody } from '../http/body.ts';
import type { Authenticated } from '../objects/rpc.ts';
import type { Services } from '../services.ts';
import type { Params, Router } from './router.ts';

/** Bytes. An enrolment with thousands of namespaces fits. */
const MAX_BODY = 262_144;
/** Characters of a reason that the audit keeps. */
const MAX_REASON = 512;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,128}$/;

interface AdminCall<K extends RouteKey, Query, Body> {
  params: Params<K>;
  query: Query;
  body: Body;
  who: Authenticated;
  idempotencyKey: string | undefined;
  services: Services;
}

export interface AdminRoute<K extends RouteKey, Query extends z.ZodObject, Body extends z.ZodType> {
  summary: string;
  description?: string;
  /** The whole deployment where absent and the path names no trust domain. */
  scope?: 'visible';
  query?: Query;
  /** Without one the body is `{}` or empty. */
  body?: Body;
  status: 200 | 201;
  answer: z.ZodType;
  handle: (call: AdminCall<K, z.output<Query>, z.output<Body>>) => Promise<unknown>;
}

const nothing = z.strictObject({});

/**
 * Registers a route for holders of API tokens: who, whether they may, and only then what they sent. Reads have an ETag;
 * writes take an Idempotency-Key.
 */
export function addAdminRoute<
  K extends RouteKey,
  Query extends z.ZodObject = typeof nothing,
  Body extends z.ZodType = typeof nothing,
>(router: Router, key: K, route: AdminRoute<K, Query, Body>): void {
  const { summary, description, query, body, status, answer } = route;
  const described = {
    summary,
    status,
    answer,
    ...(description === undefined ? {} : { description }),
    ...(query === undefined ? {} : { query }),
    ...(body === undefined ? {} : { body }),
  };
  router.add(key, described, async ({ params, request, path, services }) => {
    const who = await authenticateAdmin(services.crypto, services.objects, request);
    await authorize(key, scopeOf(params, route.scope), who, path, services);
    const writes = key.startsWith('POST ');
    const handle = async (): Promise<unknown> =>
      route.handle({
        params,
        query: parseQuery(query ?? nothing, request.url) as z.output<Query>,
        body: (writes ? await parseBody(body ?? nothing, request) : {}) as z.output<Body>,
        who,
        idempotencyKey: writes ? idempotencyKeyOf(request) : undefined,
        services,
      });
    if (writes) {
      return jsonAnswer(status, await handle().catch((error: unknown) => refused(error, key, who, path, services)));
    }
    const value = await handle();
    const headers = { 'content-type': 'application/json', 'cache-control': 'private, no-cache' };
    return taggedAnswer(services.crypto, request, JSON.stringify(value), headers);
  });
}

/** The query must have only the parameters of its schema, each once. Throws `query-invalid`. */
export function parseQuery<Q extends z.ZodObject>(schema: Q, url: string): z.output<Q> {
  const entries = [...new URL(url).searchParams];
  const query = Object.fromEntries(entries);
  if (Object.keys(query).length !== entries.length) throw new CaError('query-invalid', 'a parameter is given twice');
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  throw new CaError('query-invalid', 'the query has faults', { extra: { faults: faultsOf(parsed.error, 'query') } });
}

function scopeOf(params: object, scope: 'visible' | undefined): Scope {
  if ('trustDomain' in params && typeof params.trustDomain === 'string') return { trustDomain: params.trustDomain };
  return scope ?? 'deployment';
}

/** What a token may not do is recorded under its name: somebody holds it who tried. */
async function authorize(key: RouteKey, scope: Scope, who: Authenticated, path: string, services: Services) {
  if (permits(ACCESS[key], scope, who)) return;
  const error = new CaError('forbidden', `this needs the role ${ACCESS[key]}, for ${scopeText(scope)}`);
  await refused(error, key, who, path, services);
}

/** A write that was refused is in the audit with its reason; trouble of ours is in the log and no act of the caller's. */
async function refused(
  error: unknown,
  action: RouteKey,
  { actor }: Authenticated,
  subject: string,
  { objects, log }: Services,
): Promise<never> {
  const problem = problemOf(error);
  if (problem.status < 500) {
    const reason = (problem.detail ?? problem.title).slice(0, MAX_REASON);
    const detail = { code: problem.code, reason };
    const recorded = await objects.directory().appendAudit({ actor, action, subject, outcome: 'refused', detail });
    if (!recorded.ok) log('audit-failed', { actor: actor.id, path: subject, code: recorded.error.code });
  }
  throw error;
}

function scopeText(scope: Scope): string {
  return typeof scope === 'object' ? `the trust domain ${scope.trustDomain}` : 'all trust domains';
}

async function parseBody(schema: z.ZodType, request: Request): Promise<unknown> {
  if (schema === nothing && request.body === null) return {};
  const bytes = await readBody(request, MAX_BODY);
  const parsed = schema.safeParse(bytes.length === 0 && schema === nothing ? {} : parseJson(bytes));
  if (parsed.success) return parsed.data;
  const faults = faultsOf(parsed.error);
  throw new CaError('invalid', `the body has ${faults.length === 1 ? 'a fault' : 'faults'}: ${faults[0] ?? ''}`, {
    extra: { faults },
  });
}

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch (cause) {
    throw new CaError('body-malformed', 'the body is not JSON in UTF-8', { cause });
  }
}

/** Every fault with its place; `whole` names the place of one that concerns all of it. */
export function faultsOf(error: z.ZodError, whole = 'body'): string[] {
  return error.issues.map(({ path, message }) => `${path.map(String).join('.') || whole}: ${message}`).slice(0, 50);
}

function idempotencyKeyOf(request: Request): string | undefined {
  const key = request.headers.get('idempotency-key');
  if (key === null) return undefined;
  if (!IDEMPOTENCY_KEY.test(key)) throw new CaError('idempotency-key', 'expected 1 to 128 visible ASCII characters');
  return key;
}

import { OpenAPIHono, type z } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { ACCESS, type RouteKey } from '../auth/access.ts';
import type { Services } from '../services.ts';

/** `trustDomain` of `/v1/trust-domains/:trustDomain/roots`, and so on. */
export type Params<K extends string> = K extends `${string}:${infer Name}/${infer Rest}`
  ? { [P in Name]: string } & Params<Rest>
  : K extends `${string}:${infer Name}`
    ? { [P in Name]: string }
    : object;

/** How `/openapi.json` describes a route. */
export interface Description {
  summary: string;
  description?: string;
  body?: z.ZodType;
  query?: z.ZodObject;
  status: 200 | 201;
  answer: z.ZodType;
  /** Media type of the answer; JSON where absent. */
  contentType?: string;
}

export type Handler<K extends RouteKey> = (call: {
  params: Params<K>;
  request: Request;
  /** canonical */
  path: string;
  services: Services;
}) => Promise<Response>;

export interface AppEnv {
  Variables: { path: string; services: Services };
}

/** Routes and their description, registered together; what is not in the table of who may call what cannot be. */
export class Router {
  readonly hono = new OpenAPIHono<AppEnv>();
  readonly #keys = new Set<RouteKey>();

  /** @param before runs before every route: hono runs handlers in the order of their registration */
  constructor(before: MiddlewareHandler<AppEnv>) {
    this.hono.use('*', before);
  }

  add<K extends RouteKey>(key: K, description: Description, handler: Handler<K>): void {
    if (!Object.hasOwn(ACCESS, key)) throw new TypeError(`${key} is not in the access table`);
    if (this.#keys.has(key)) throw new TypeError(`${key} is registered twice`);
    this.#keys.add(key);
    const [method = '', path = ''] = key.split(' ');
    this.hono.on(method, path, (context: Context<AppEnv>) =>
      handler({
        params: context.req.param() as Params<K>,
        request: context.req.raw,
        path: context.get('path'),
        services: context.get('services'),
      }),
    );
    this.hono.openAPIRegistry.registerPath(openApi(key, method, path, description));
  }

  /** Describes a route that is answered before the router. */
  describe(key: RouteKey, description: Description): void {
    this.#keys.add(key);
    const [method = '', path = ''] = key.split(' ');
    this.hono.openAPIRegistry.registerPath(openApi(key, method, path, description));
  }

  /** Methods of a path, for 405; empty for a path that no route has. */
  methods(path: string): string[] {
    const segments = path.split('/');
    return [...this.#keys]
      .map((key) => key.split(' '))
      .filter(([, pattern = '']) => fits(pattern.split('/'), segments))
      .map(([method = '']) => method);
  }

  get keys(): ReadonlySet<RouteKey> {
    return this.#keys;
  }
}

function fits(pattern: string[], segments: string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => part.startsWith(':') || part === segments[index])
  );
}

type RouteConfig = Parameters<OpenAPIHono['openAPIRegistry']['registerPath']>[0];

function openApi(key: RouteKey, method: string, path: string, described: Description): RouteConfig {
  const { summary, description, body, query, status, answer, contentType = 'application/json' } = described;
  const names = [...path.matchAll(/:([A-Za-z]+)/g)].map((match) => match[1] ?? '');
  return {
    method: method.toLowerCase() as 'get' | 'post',
    path: path.replaceAll(/:([A-Za-z]+)/g, '{$1}'),
    operationId: key.replaceAll(/[^A-Za-z0-9]+/g, '_'),
    summary,
    ...(description === undefined ? {} : { description }),
    security: security(key),
    parameters: names.map((name) => ({
      in: 'path' as const,
      name,
      required: true,
      schema: { type: 'string' as const },
    })),
    request: {
      ...(query === undefined ? {} : { query }),
      ...(body === undefined ? {} : { body: { required: true, content: { 'application/json': { schema: body } } } }),
    },
    responses: {
      [status]: { description: summary, content: { [contentType]: { schema: answer } } },
      default: {
        description: 'A refusal, as a problem document (RFC 9457)',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function security(key: RouteKey): Record<string, string[]>[] {
  const access = ACCESS[key];
  if (access === 'public') return [];
  if (access === 'bootstrap') return [{ bootstrapToken: [] }];
  return access === 'agent' ? [{ agentToken: [] }] : [{ apiToken: [access] }];
}

import { z } from '@hono/zod-openapi';
import { CaError, problemOf } from './errors.ts';
import { problemAnswer } from './http/answer.ts';
import { canonicalPath } from './http/path.ts';
import { parseQuery } from './routes/admin_route.ts';
import { answerHealth } from './routes/health.ts';
import { createRouter } from './routes/index.ts';
import { createServices, type Platform, type Services } from './services.ts';

export interface App {
  fetch(request: Request): Promise<Response>;
}

const noQuery = z.strictObject({});

/**
 * The HTTP API. Everything is refused that no route names; every refusal is a problem document; what was not foreseen is
 * a 500 with a constant text, and its reason goes to the log. Health is answered before all else, and by nothing that can be wrong.
 */
export function createApp(platform: Platform): App {
  let services: Services | null = null;
  const router = createRouter(async (context, next) => {
    context.set('path', canonicalPath(context.req.url));
    services ??= createServices(platform);
    context.set('services', services);
    await next();
  });
  router.hono.notFound((context) => {
    const path = context.get('path');
    const methods = router.methods(path);
    if (methods.length === 0) return problemAnswer(problemOf(new CaError('route-unknown', `there is no ${path}`)));
    const allowed = methods.join(', ');
    const error = new CaError('method-not-allowed', `expected ${allowed}`);
    return problemAnswer(problemOf(error), { allow: allowed });
  });
  router.hono.onError((error, context) => refuse(error, context.req.raw, platform));

  return {
    async fetch(request) {
      try {
        if (canonicalPath(request.url) === '/healthz' && (request.method === 'GET' || request.method === 'HEAD')) {
          parseQuery(noQuery, request.url);
          return await answerHealth(platform);
        }
      } catch (error) {
        return refuse(error, request, platform);
      }
      return router.hono.fetch(request);
    },
  };
}

/** 5xx are logged with what the client is not told. */
function refuse(error: unknown, request: Request, { log }: Platform): Response {
  const problem = problemOf(error);
  if (problem.status >= 500) {
    const reason = error instanceof CaError ? error.message : error instanceof Error ? error.stack : String(error);
    log('request-failed', { method: request.method, code: problem.code, reason });
  }
  const challenge = problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {};
  return problemAnswer(problem, challenge);
}

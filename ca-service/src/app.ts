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
    const allow = router.methods(path).join(', ');
    return allow === ''
      ? refuse(new CaError('route-unknown', `there is no ${path}`), context.req.raw, platform)
      : refuse(new CaError('method-not-allowed', `expected ${allow}`), context.req.raw, platform, { allow });
  });
  router.hono.onError((error, context) => refuse(error, context.req.raw, platform));

  async function answer(request: Request): Promise<Response> {
    try {
      if (canonicalPath(request.url) === '/healthz' && (request.method === 'GET' || request.method === 'HEAD')) {
        parseQuery(noQuery, request.url);
        return await answerHealth(platform);
      }
    } catch (error) {
      return refuse(error, request, platform);
    }
    return router.hono.fetch(request);
  }

  return {
    async fetch(request) {
      const response = await answer(request);
      // RFC 9110 §6.6.1; workerd adds none. A client whose clock is off learns of it even where nothing else is believed.
      response.headers.set('date', new Date(platform.clock()).toUTCString());
      return response;
    },
  };
}

/** Every refusal is recorded in the log, 5xx with what the client is not told. A query never is: who knows what is in it. */
function refuse(error: unknown, { method, url }: Request, { log }: Platform, headers: Record<string, string> = {}) {
  const problem = problemOf(error);
  const reason = error instanceof CaError ? error.message : error instanceof Error ? error.stack : String(error);
  const path = url.replace(/^[^/]*\/\/[^/]*/, '').replace(/[?#].*$/s, '');
  const { status, code } = problem;
  log(status >= 500 ? 'request-failed' : 'request-refused', { method, path: path.slice(0, 512), status, code, reason });
  return problemAnswer(problem, status === 401 ? { 'www-authenticate': 'Bearer', ...headers } : headers);
}

import { z } from '@hono/zod-openapi';
import { taggedAnswer } from '../http/answer.ts';
import type { Router } from './router.ts';
import { health, problem } from './schemas.ts';

const bearer = (description: string) => ({ type: 'http', scheme: 'bearer', description }) as const;

/** `/openapi.json`, generated from the routes, and the description of `/healthz`, which is answered before them. */
export function addOpenApiRoutes(router: Router): void {
  const { openAPIRegistry: registry } = router.hono;
  registry.register('Problem', problem);
  registry.registerComponent('securitySchemes', 'apiToken', bearer('an API token; the role it needs is its scope'));
  registry.registerComponent('securitySchemes', 'bootstrapToken', bearer('the BOOTSTRAP_TOKEN of the deployment'));
  registry.registerComponent('securitySchemes', 'agentToken', bearer('a service-account token; the request is signed'));
  let document: string | null = null;

  router.add(
    'GET /openapi.json',
    { summary: 'This document', status: 200, answer: z.looseObject({ openapi: z.string() }) },
    async ({ request, services: { crypto } }) => {
      document ??= JSON.stringify(
        router.hono.getOpenAPI31Document({
          openapi: '3.1.0',
          info: { title: 'ambient-ca', version: '1', description: 'A certificate authority for Istio meshes.' },
        }),
      );
      const headers = { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' };
      return taggedAnswer(crypto, request, document, headers);
    },
  );
  router.describe('GET /healthz', {
    summary: 'Whether the CA can serve, and if not, why; 503 then',
    status: 200,
    answer: health,
  });
}

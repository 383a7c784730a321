import { z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { addAgentRoutes } from './agent.ts';
import { addAuditRoutes } from './audit.ts';
import { addBootstrapRoute } from './bootstrap.ts';
import { addBundleRoutes } from './bundle.ts';
import { addCertificateRoutes } from './certificates.ts';
import { addRevocationRoutes } from './revocations.ts';
import { addClusterRoutes } from './clusters.ts';
import { addOpenApiRoutes } from './openapi.ts';
import { addRootRoutes } from './roots.ts';
import { Router, type AppEnv } from './router.ts';
import { addTokenRoutes } from './tokens.ts';
import { addTrustDomainRoutes } from './trust_domains.ts';

// zod compiles its schemas with `new Function`, which workerd refuses within a request.
z.config({ jitless: true });

/** All routes. The hot one first, as the router tries them in order. */
export function createRouter(before: MiddlewareHandler<AppEnv>): Router {
  const router = new Router(before);
  addAgentRoutes(router);
  addBundleRoutes(router);
  addBootstrapRoute(router);
  addTrustDomainRoutes(router);
  addRootRoutes(router);
  addClusterRoutes(router);
  addCertificateRoutes(router);
  addRevocationRoutes(router);
  addAuditRoutes(router);
  addTokenRoutes(router);
  addOpenApiRoutes(router);
  return router;
}

import { valueOf } from '../errors.ts';
import { addAdminRoute } from './admin_route.ts';
import { defined } from './defined.ts';
import type { Router } from './router.ts';
import { auditEntry, pageOf, pageQuery } from './schemas.ts';

export function addAuditRoutes(router: Router): void {
  addAdminRoute(router, 'GET /v1/audit', {
    summary: 'Who did what to the deployment: bootstrap, trust domains, tokens, and what was refused',
    query: pageQuery,
    status: 200,
    answer: pageOf(auditEntry),
    handle: async ({ query, services: { objects } }) => valueOf(await objects.directory().audit(defined(query))),
  });

  addAdminRoute(router, 'GET /v1/trust-domains/:trustDomain/audit', {
    summary: 'Who did what to a trust domain: roots and clusters',
    query: pageQuery,
    status: 200,
    answer: pageOf(auditEntry),
    handle: async ({ params, query, services: { objects, names } }) => {
      const domain = objects.trustDomain(await names.trustDomain(params.trustDomain));
      return valueOf(await domain.audit(defined(query)));
    },
  });
}

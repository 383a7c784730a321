import { sees } from '../auth/access.ts';
import { valueOf } from '../errors.ts';
import { addAdminRoute } from './admin_route.ts';
import type { Router } from './router.ts';
import { rows, trustDomain, trustDomainInput } from './schemas.ts';

export function addTrustDomainRoutes(router: Router): void {
  addAdminRoute(router, 'GET /v1/trust-domains', {
    summary: 'The trust domains that the token sees, and their clusters',
    scope: 'visible',
    status: 200,
    answer: rows(trustDomain),
    handle: async ({ who, services: { names } }) => {
      const visible = Object.entries(await names.all()).filter(([name]) => sees(who.trustDomains, name));
      return { rows: visible.map(([name, { clusters }]) => ({ name, clusters: Object.keys(clusters).sort() })) };
    },
  });

  addAdminRoute(router, 'POST /v1/trust-domains', {
    summary: 'Create a trust domain',
    body: trustDomainInput,
    status: 201,
    answer: trustDomain,
    handle: async ({ who, body, idempotencyKey, services: { objects, names } }) => {
      const { name } = valueOf(await objects.directory().createTrustDomain(who.actor, body, idempotencyKey));
      names.forget();
      return { name, clusters: [] };
    },
  });
}

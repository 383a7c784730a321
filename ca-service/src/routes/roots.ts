import { valueOf } from '../errors.ts';
import { addAdminRoute } from './admin_route.ts';
import type { Router } from './router.ts';
import { root, rootInput, rows } from './schemas.ts';

export function addRootRoutes(router: Router): void {
  addAdminRoute(router, 'GET /v1/trust-domains/:trustDomain/roots', {
    summary: 'The roots of a trust domain',
    status: 200,
    answer: rows(root),
    handle: async ({ params, services: { objects, names } }) => {
      const domain = objects.trustDomain(await names.trustDomain(params.trustDomain));
      return { rows: valueOf(await domain.listRoots()) };
    },
  });

  addAdminRoute(router, 'GET /v1/trust-domains/:trustDomain/roots/:root', {
    summary: 'One root',
    status: 200,
    answer: root,
    handle: async ({ params, services: { objects, names } }) => {
      const domain = objects.trustDomain(await names.trustDomain(params.trustDomain));
      return valueOf(await domain.getRoot(params.root));
    },
  });

  addAdminRoute(router, 'POST /v1/trust-domains/:trustDomain/roots', {
    summary: 'Create a root; the first one signs at once',
    body: rootInput,
    status: 201,
    answer: root,
    handle: async ({ params, body, who, idempotencyKey, services: { objects, names, bundles } }) => {
      const objectId = await names.trustDomain(params.trustDomain);
      const input = { keyType: body.keyType, ...(body.name === undefined ? {} : { name: body.name }) };
      const made = valueOf(await objects.trustDomain(objectId).createRoot(who.actor, input, idempotencyKey));
      bundles.forget(objectId);
      return made;
    },
  });
}

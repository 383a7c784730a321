import { z } from '@hono/zod-openapi';
import { valueOf } from '../errors.ts';
import { addAdminRoute } from './admin_route.ts';
import type { Router } from './router.ts';
import { revocation, revocationInput, revocationMark } from './schemas.ts';

export function addRevocationRoutes(router: Router): void {
  addAdminRoute(router, 'GET /v1/trust-domains/:trustDomain/clusters/:cluster/revocations', {
    summary: 'Whose renewals a cluster’s issuer refuses',
    status: 200,
    answer: z.object({ rows: z.array(revocation) }),
    handle: async ({ params, services: { objects, names } }) => {
      const issuer = objects.clusterIssuer(await names.cluster(params.trustDomain, params.cluster));
      return { rows: valueOf(await issuer.revocations()) };
    },
  });

  addAdminRoute(router, 'POST /v1/trust-domains/:trustDomain/clusters/:cluster/revocations', {
    summary: 'Refuse renewals from now on: of the holder of a certificate, of an identity, of everything on a node',
    description: 'Certificates that are out stay valid until they expire. Repeating it changes nothing.',
    body: revocationInput,
    status: 201,
    answer: revocation,
    handle: async ({ params, body, who, services: { objects, names } }) => {
      const domain = objects.trustDomain(await names.trustDomain(params.trustDomain));
      return valueOf(await domain.revoke(who.actor, params.cluster, body));
    },
  });

  addAdminRoute(router, 'POST /v1/trust-domains/:trustDomain/clusters/:cluster/revocations/lift', {
    summary: 'Grant renewals again',
    body: revocationMark,
    status: 200,
    answer: revocation,
    handle: async ({ params, body, who, services: { objects, names } }) => {
      const domain = objects.trustDomain(await names.trustDomain(params.trustDomain));
      return valueOf(await domain.liftRevocation(who.actor, params.cluster, body));
    },
  });
}

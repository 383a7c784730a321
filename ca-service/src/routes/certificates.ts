import { valueOf } from '../errors.ts';
import { addAdminRoute } from './admin_route.ts';
import { defined } from './defined.ts';
import type { Router } from './router.ts';
import { certificateQuery, counts, ledgerRow, pageOf } from './schemas.ts';

export function addCertificateRoutes(router: Router): void {
  addAdminRoute(router, 'GET /v1/trust-domains/:trustDomain/clusters/:cluster/certificates', {
    summary: 'Issued certificates, by identity, node or serial; paged',
    query: certificateQuery,
    status: 200,
    answer: pageOf(ledgerRow),
    handle: async ({ params, query, services: { objects, names } }) => {
      const issuer = objects.clusterIssuer(await names.cluster(params.trustDomain, params.cluster));
      return valueOf(await issuer.certificates(defined(query)));
    },
  });

  addAdminRoute(router, 'GET /v1/trust-domains/:trustDomain/clusters/:cluster/certificates/counts', {
    summary: 'How many certificates a cluster holds and was issued',
    status: 200,
    answer: counts,
    handle: async ({ params, services: { objects, names } }) => {
      const issuer = objects.clusterIssuer(await names.cluster(params.trustDomain, params.cluster));
      return valueOf(await issuer.counts());
    },
  });
}

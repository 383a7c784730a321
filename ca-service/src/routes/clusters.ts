import { z } from '@hono/zod-openapi';
import { valueOf } from '../errors.ts';
import type { ClusterConfigInput, ClusterKeysInput } from '../objects/rpc.ts';
import { addAdminRoute } from './admin_route.ts';
import type { Router } from './router.ts';
import { cluster, clusterInput, clusterKeysInput, clusterKeysSet, rows } from './schemas.ts';

export function addClusterRoutes(router: Router): void {
  addAdminRoute(router, 'GET /v1/trust-domains/:trustDomain/clusters', {
    summary: 'The clusters of a trust domain',
    status: 200,
    answer: rows(cluster),
    handle: async ({ params, services: { objects, names } }) => {
      const domain = objects.trustDomain(await names.trustDomain(params.trustDomain));
      return { rows: valueOf(await domain.listClusters()) };
    },
  });

  addAdminRoute(router, 'GET /v1/trust-domains/:trustDomain/clusters/:cluster', {
    summary: 'The configuration of a cluster, and whether its issuer has acknowledged it',
    status: 200,
    answer: cluster,
    handle: async ({ params, services: { objects, names } }) => {
      const domain = objects.trustDomain(await names.trustDomain(params.trustDomain));
      return valueOf(await domain.getCluster(params.cluster));
    },
  });

  addAdminRoute(router, 'POST /v1/trust-domains/:trustDomain/clusters', {
    summary: 'Enrol a cluster: whose tokens count, and what they may get',
    body: clusterInput,
    status: 201,
    answer: cluster,
    handle: async ({ params, body, who, idempotencyKey, services: { objects, names } }) => {
      const domain = objects.trustDomain(await names.trustDomain(params.trustDomain));
      // zod answers an absent member as absent or undefined alike; the object's type knows absent only.
      const made = valueOf(await domain.enrolCluster(who.actor, body as ClusterConfigInput, idempotencyKey));
      names.forget();
      return made;
    },
  });

  addAdminRoute(router, 'POST /v1/trust-domains/:trustDomain/clusters/:cluster/keys', {
    summary: 'Other keys for a token issuer of the cluster; those that are left out count no longer',
    body: clusterKeysInput,
    status: 200,
    answer: clusterKeysSet,
    handle: async ({ params, body, who, services: { objects, names } }) => {
      const domain = objects.trustDomain(await names.trustDomain(params.trustDomain));
      return valueOf(await domain.setClusterKeys(who.actor, params.cluster, body as ClusterKeysInput));
    },
  });

  addAdminRoute(router, 'POST /v1/trust-domains/:trustDomain/clusters/:cluster/disable', {
    summary: 'Stop issuing to a cluster; enforced once its issuer has acknowledged',
    status: 200,
    answer: z.object({ enforced: z.boolean(), epoch: z.int() }),
    handle: async ({ params, who, services: { objects, names } }) => {
      const domain = objects.trustDomain(await names.trustDomain(params.trustDomain));
      return valueOf(await domain.disableCluster(who.actor, params.cluster));
    },
  });
}

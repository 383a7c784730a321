import type { Authenticated, Role } from '../objects/rpc.ts';

/** `public` needs nothing, `bootstrap` the deployment's secret, `agent` a signed request; the rest an API token. */
export type Access = 'public' | 'bootstrap' | 'agent' | Role;

/**
 * Who may call what: the only place that says so. A route that is not here cannot be registered. Whoever may enrol a
 * cluster decides whose tokens count, and so is as mighty as the root: that is for admins.
 */
export const ACCESS = {
  'GET /healthz': 'public',
  'GET /openapi.json': 'public',
  'GET /v1/trust-domains/:trustDomain/bundle.pem': 'public',
  'GET /v1/trust-domains/:trustDomain/bundle.json': 'public',

  'POST /v1/bootstrap': 'bootstrap',

  'POST /v1/trust-domains/:trustDomain/clusters/:cluster/certificates': 'agent',
  'POST /v1/trust-domains/:trustDomain/clusters/:cluster/serving-certificates': 'agent',
  'POST /v1/trust-domains/:trustDomain/clusters/:cluster/trust': 'agent',

  'GET /v1/trust-domains': 'viewer',
  'GET /v1/trust-domains/:trustDomain/roots': 'viewer',
  'GET /v1/trust-domains/:trustDomain/roots/:root': 'viewer',
  'GET /v1/trust-domains/:trustDomain/clusters': 'viewer',
  'GET /v1/trust-domains/:trustDomain/clusters/:cluster': 'viewer',
  'GET /v1/trust-domains/:trustDomain/clusters/:cluster/certificates': 'viewer',
  'GET /v1/trust-domains/:trustDomain/clusters/:cluster/certificates/counts': 'viewer',
  'GET /v1/trust-domains/:trustDomain/clusters/:cluster/revocations': 'viewer',

  'GET /v1/trust-domains/:trustDomain/audit': 'operator',
  'POST /v1/trust-domains/:trustDomain/clusters/:cluster/disable': 'operator',
  'POST /v1/trust-domains/:trustDomain/clusters/:cluster/revocations': 'operator',
  'POST /v1/trust-domains/:trustDomain/clusters/:cluster/revocations/lift': 'operator',

  'POST /v1/trust-domains': 'admin',
  'POST /v1/trust-domains/:trustDomain/roots': 'admin',
  'POST /v1/trust-domains/:trustDomain/clusters': 'admin',
  'POST /v1/trust-domains/:trustDomain/clusters/:cluster/keys': 'admin',
  'GET /v1/audit': 'admin',
  'GET /v1/tokens': 'admin',
  'POST /v1/tokens': 'admin',
  'POST /v1/tokens/:token/revoke': 'admin',
} as const satisfies Readonly<Record<string, Access>>;

export type RouteKey = keyof typeof ACCESS;

/** Each role may do what the ones before it may. */
const RANK: Readonly<Record<Role, number>> = { viewer: 1, operator: 2, admin: 3 };

/** What a token holder's call concerns: one trust domain, the whole deployment, or whatever part of it the token sees. */
export type Scope = { trustDomain: string } | 'deployment' | 'visible';

/** True only where both role and scope say so; a role or an access that is not in the tables is false. */
export function permits(access: Access, scope: Scope, { actor, trustDomains }: Authenticated): boolean {
  const held = Object.hasOwn(RANK, actor.role) ? RANK[actor.role] : 0;
  const needed = isRole(access) ? RANK[access] : Infinity;
  return held >= needed && inScope(scope, trustDomains);
}

/** Whether a token sees a trust domain. */
export function sees(trustDomains: Authenticated['trustDomains'], name: string): boolean {
  return trustDomains === '*' || trustDomains.includes(name);
}

function inScope(scope: Scope, trustDomains: Authenticated['trustDomains']): boolean {
  if (scope === 'visible') return true;
  return scope === 'deployment' ? trustDomains === '*' : sees(trustDomains, scope.trustDomain);
}

function isRole(access: Access): access is Role {
  return Object.hasOwn(RANK, access);
}

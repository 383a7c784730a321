import { describe, expect, it } from 'vitest';
import { ACCESS, type Access, permits, type RouteKey } from '../../../ca-service/src/auth/access.ts';
import { createRouter } from '../../../ca-service/src/routes/index.ts';
import { apiToken, CA_URL, fakeApp, holder, ok } from '../support/fakes.ts';

/** Runs before every route; here no request is made. */
const unused = async () => {};

const ROLES = ['viewer', 'operator', 'admin'] as const;
const keys = Object.keys(ACCESS) as RouteKey[];
const forTokens = keys.filter((key) => !['public', 'bootstrap', 'agent'].includes(ACCESS[key]));

/** What each role may do, written out a second time: a change of the table has to be meant twice. */
const GRANTED: Record<(typeof ROLES)[number], string[]> = {
  viewer: [
    'GET /v1/trust-domains',
    'GET /v1/trust-domains/:trustDomain/roots',
    'GET /v1/trust-domains/:trustDomain/roots/:root',
    'GET /v1/trust-domains/:trustDomain/clusters',
    'GET /v1/trust-domains/:trustDomain/clusters/:cluster',
    'GET /v1/trust-domains/:trustDomain/clusters/:cluster/certificates',
    'GET /v1/trust-domains/:trustDomain/clusters/:cluster/certificates/counts',
    'GET /v1/trust-domains/:trustDomain/clusters/:cluster/revocations',
  ],
  operator: [
    'GET /v1/trust-domains/:trustDomain/audit',
    'POST /v1/trust-domains/:trustDomain/clusters/:cluster/disable',
    'POST /v1/trust-domains/:trustDomain/clusters/:cluster/revocations',
    'POST /v1/trust-domains/:trustDomain/clusters/:cluster/revocations/lift',
  ],
  admin: [
    'POST /v1/trust-domains',
    'POST /v1/trust-domains/:trustDomain/roots',
    'POST /v1/trust-domains/:trustDomain/clusters',
    'POST /v1/trust-domains/:trustDomain/clusters/:cluster/keys',
    'GET /v1/audit',
    'GET /v1/tokens',
    'POST /v1/tokens',
    'POST /v1/tokens/:token/revoke',
  ],
};

function granted(role: (typeof ROLES)[number]): Set<string> {
  return new Set(ROLES.slice(0, ROLES.indexOf(role) + 1).flatMap((one) => GRANTED[one]));
}

const BODIES: Partial<Record<RouteKey, object>> = {
  'POST /v1/trust-domains': { name: 'new.example' },
  'POST /v1/trust-domains/:trustDomain/roots': { keyType: 'ec-p256' },
  'POST /v1/trust-domains/:trustDomain/clusters/:cluster/revocations': { kind: 'node', subject: 'a', reason: 'x' },
  'POST /v1/trust-domains/:trustDomain/clusters/:cluster/revocations/lift': { kind: 'node', subject: 'a' },
  'POST /v1/trust-domains/:trustDomain/clusters/:cluster/keys': { jwks: { keys: [{ kty: 'EC' }] } },
  'POST /v1/tokens': { name: 'ci', role: 'viewer', trustDomains: '*', ttlSeconds: 3_600 },
  'POST /v1/trust-domains/:trustDomain/clusters': {
    name: 'prod',
    clusterId: 'Kubernetes',
    region: 'local',
    tokenIssuer: 'https://kubernetes.default.svc',
    jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] },
    tokenAudience: 'istio-ca',
    agentAccount: 'ambient-ca/agent',
    namespaces: ['default'],
    servingNames: ['ca.ambient-ca.svc'],
    ttl: { floor: 600, default: 86_400, maximum: 604_800 },
    trustedNodeAccounts: [],
  },
};

function requestOf(key: RouteKey, trustDomain = 'cluster.local', authorization = `Bearer ${apiToken()}`): Request {
  const [method = '', pattern = ''] = key.split(' ');
  const path = pattern
    .replace(':trustDomain', trustDomain)
    .replace(':cluster', 'prod')
    .replace(':root', 'r-1')
    .replace(':token', 't-1');
  const headers: Record<string, string> = authorization === '' ? {} : { authorization };
  if (method === 'GET') return new Request(CA_URL + path, { headers });
  const body = JSON.stringify(BODIES[key] ?? {});
  return new Request(CA_URL + path, { method, body, headers: { ...headers, 'content-type': 'application/json' } });
}

async function statusFor(key: RouteKey, role: string, scope: '*' | string[], trustDomain?: string): Promise<number> {
  const { app } = fakeApp({
    authenticate: () => ok(holder(role, scope)),
    createToken: () => ok({ id: 't', name: 'n' }),
  });
  return (await app.fetch(requestOf(key, trustDomain))).status;
}

describe('the table of who may call what', () => {
  it('has exactly the routes that the router has', () => {
    const router = createRouter(unused);
    expect([...router.keys].sort()).toEqual([...keys].sort());
    const routed = router.hono.routes
      .filter(({ method, path }) => `${method} ${path}` !== 'ALL /*')
      .map(({ method, path }) => `${method} ${path}`);
    expect([...routed, 'GET /healthz'].sort()).toEqual([...keys].sort());
  });

  it('cannot be bypassed by registering a route that is not in it', () => {
    const router = createRouter(unused);
    const add = () =>
      router.add(
        'GET /v1/backdoor' as RouteKey,
        { summary: '', status: 200, answer: undefined as never },
        async () => new Response('in'),
      );
    expect(add).toThrow('not in the access table');
  });

  for (const role of ROLES) {
    it.each(forTokens)(`says for ${role} on %s what was meant`, async (key) => {
      const expected = granted(role).has(key);
      expect(permits(ACCESS[key], 'visible', holder(role)), 'table').toBe(expected);
      const status = await statusFor(key, role, '*');
      expect(status === 403, `HTTP ${status}`).toBe(!expected);
      if (expected) expect([200, 201]).toContain(status);
    });
  }

  it.each(['', 'root', 'constructor', '__proto__', 'Admin', 'admin '])(
    'gives the unknown role %j nothing',
    async (role) => {
      for (const key of forTokens) expect(await statusFor(key, role, '*'), key).toBe(403);
    },
  );

  it.each(forTokens)('refuses %s without a token, with another scheme and with what is no token', async (key) => {
    const { app, objects } = fakeApp();
    for (const authorization of ['', 'Basic YTpi', 'Bearer x', `bearer ${apiToken()}`, `Bearer ${apiToken()}, x`]) {
      const answer = await app.fetch(requestOf(key, 'cluster.local', authorization));
      expect(answer.status, authorization).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
    expect(objects.asked).toEqual([]);
  });

  it.each(forTokens.filter((key) => key.includes(':trustDomain')))(
    'keeps a token to its trust domain on %s',
    async (key) => {
      expect(await statusFor(key, 'admin', ['cluster.local'], 'other.example')).toBe(403);
      expect(await statusFor(key, 'admin', ['cluster.local'], 'cluster.local')).not.toBe(403);
    },
  );

  it.each(forTokens.filter((key) => !key.includes(':trustDomain') && key !== 'GET /v1/trust-domains'))(
    'keeps a token of one trust domain from the deployment on %s',
    async (key) => {
      expect(await statusFor(key, 'admin', ['cluster.local'])).toBe(403);
    },
  );

  it('never lets a role through to what is for agents or the bootstrap token', () => {
    for (const access of ['public', 'bootstrap', 'agent', 'other'] as Access[]) {
      expect(permits(access, 'visible', holder('admin'))).toBe(false);
    }
  });

  it('has what it refused to a known token recorded', async () => {
    const { app, objects } = fakeApp({ authenticate: () => ok(holder('viewer')) });
    await app.fetch(requestOf('POST /v1/trust-domains/:trustDomain/clusters/:cluster/disable'));
    expect(objects.audit()).toEqual([
      expect.objectContaining({
        action: 'POST /v1/trust-domains/:trustDomain/clusters/:cluster/disable',
        subject: '/v1/trust-domains/cluster.local/clusters/prod/disable',
        outcome: 'refused',
      }),
    ]);
  });
});

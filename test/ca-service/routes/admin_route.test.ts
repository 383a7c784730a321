import { describe, expect, it } from 'vitest';
import { apiToken, CA_URL, failed, fakeApp, holder, ok } from '../support/fakes.ts';

const authorization = `Bearer ${apiToken()}`;
const admin = (answers: Record<string, (...args: never[]) => unknown> = {}) =>
  fakeApp({ authenticate: () => ok(holder('admin')), ...answers });

async function call(made: ReturnType<typeof fakeApp>, method: string, path: string, body?: unknown, headers = {}) {
  const init = { method, headers: { authorization, 'content-type': 'application/json', ...headers } };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await made.app.fetch(new Request(CA_URL + path, body === undefined ? init : { ...init, body: text }));
  const read = await answer.text();
  return { status: answer.status, headers: answer.headers, json: read === '' ? null : JSON.parse(read) };
}

describe('a write', () => {
  const made = admin();
  it.each([
    ['an unknown member', { name: 'a.example', extra: 1 }],
    ['a missing member', {}],
    ['a member of another type', { name: 1 }],
    ['an array', []],
    ['null', null],
  ])('with %s is refused, with its faults', async (_, body) => {
    const { status, json } = await call(made, 'POST', '/v1/trust-domains', body);
    expect([status, json.code]).toEqual([400, 'invalid']);
    expect(json.faults.length).toBeGreaterThan(0);
    expect(made.objects.count('createTrustDomain')).toBe(0);
  });

  it.each([
    ['no JSON', 'x', {}, 400],
    ['another media type', '{"name":"a"}', { 'content-type': 'text/plain' }, 415],
    ['more than 256 KiB', `{"name":"${'a'.repeat(262_144)}"}`, {}, 413],
    ['an Idempotency-Key with a space', '{"name":"a"}', { 'idempotency-key': 'a b' }, 400],
    ['an Idempotency-Key that is too long', '{"name":"a"}', { 'idempotency-key': 'a'.repeat(129) }, 400],
  ])('with %s is refused', async (_, body, headers, expected) => {
    expect((await call(made, 'POST', '/v1/trust-domains', body, headers)).status).toBe(expected);
    expect(made.objects.count('createTrustDomain')).toBe(0);
  });

  it('that is refused is in the audit with who, what and why, and one that we failed is not', async () => {
    const refusing = admin({ createTrustDomain: () => failed('already-exists', 'the trust domain a.example exists') });
    await call(refusing, 'POST', '/v1/trust-domains', { name: 'a.example' });
    await call(refusing, 'POST', '/v1/trust-domains', { name: 1 });
    const { actor } = holder('admin');
    const what = { actor, action: 'POST /v1/trust-domains', subject: '/v1/trust-domains', outcome: 'refused' };
    expect(refusing.objects.audit()).toEqual([
      { ...what, detail: { code: 'already-exists', reason: 'the trust domain a.example exists' } },
      { ...what, detail: { code: 'invalid', reason: expect.stringContaining('name') as string } },
    ]);
    const failing = admin({ createTrustDomain: () => failed('internal', 'a fault') });
    await call(failing, 'POST', '/v1/trust-domains', { name: 'a.example' });
    expect(failing.objects.audit()).toEqual([]);
  });

  it('that takes no body accepts an empty one or {}, and nothing else', async () => {
    const path = '/v1/trust-domains/cluster.local/clusters/prod/disable';
    const disabling = admin({ disableCluster: () => ok({ enforced: true, epoch: 2 }) });
    expect((await call(disabling, 'POST', path)).status).toBe(200);
    expect((await call(disabling, 'POST', path, {})).status).toBe(200);
    expect((await call(disabling, 'POST', path, { force: true })).status).toBe(400);
    expect(disabling.objects.count('disableCluster')).toBe(2);
  });

  it('passes its Idempotency-Key and who did it to the object', async () => {
    const creating = admin({ createRoot: () => ok({ id: 'r-1' }) });
    const headers = { 'idempotency-key': 'once' };
    const { status } = await call(
      creating,
      'POST',
      '/v1/trust-domains/cluster.local/roots',
      { keyType: 'ec-p256' },
      headers,
    );
    expect(status).toBe(201);
    expect(creating.objects.asked.find(({ method }) => method === 'createRoot')).toEqual({
      object: 'trust-domain/td-1',
      method: 'createRoot',
      args: [holder('admin').actor, { keyType: 'ec-p256' }, 'once'],
    });
  });

  it('that the object refuses has its status, its faults and its fix', async () => {
    const refusing = admin({
      createTrustDomain: () => failed('invalid', 'two faults', { fix: 'do this', extra: { faults: ['a', 'b'] } }),
    });
    const { status, json } = await call(refusing, 'POST', '/v1/trust-domains', { name: 'A' });
    expect(status).toBe(400);
    expect(json).toMatchObject({ code: 'invalid', detail: 'two faults', fix: 'do this', faults: ['a', 'b'] });
  });

  it('of a token answers its secret once, and gives the object its hash only', async () => {
    const creating = admin({
      createToken: (_: never, input: { id: string }) => ok({ id: input.id, name: 'ci' }),
    });
    const body = { name: 'ci', role: 'viewer', trustDomains: ['cluster.local'], ttlSeconds: 60 };
    const { status, headers, json } = await call(creating, 'POST', '/v1/tokens', body);
    expect([status, headers.get('cache-control')]).toEqual([201, 'no-store']);
    expect(json.token).toMatch(/^aca_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    expect(JSON.stringify(creating.objects.asked)).not.toContain(json.token);
    expect(JSON.stringify(creating.logged)).not.toContain(json.token);
  });
});

const reading = () => admin({ listTokens: () => ok([{ id: 't-1' }]) });

describe('a read', () => {
  it('has an ETag, and is 304 while nothing changed', async () => {
    const made = reading();
    const first = await call(made, 'GET', '/v1/tokens');
    const etag = first.headers.get('etag') ?? '';
    expect([first.status, first.json]).toEqual([200, { rows: [{ id: 't-1' }] }]);
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const again = await call(made, 'GET', '/v1/tokens', undefined, { 'if-none-match': known });
      expect([again.status, again.json], known).toEqual([304, null]);
    }
    expect((await call(made, 'GET', '/v1/tokens', undefined, { 'if-none-match': '"x"' })).status).toBe(200);
  });

  it('is 304 only to who may read it', async () => {
    const etag = (await call(reading(), 'GET', '/v1/tokens')).headers.get('etag') ?? '';
    const other = fakeApp({ authenticate: () => ok(holder('viewer')) });
    expect((await call(other, 'GET', '/v1/tokens', undefined, { 'if-none-match': etag })).status).toBe(403);
  });

  it.each([
    'limit=0',
    'limit=501',
    'limit=1e2x',
    'limit=-1',
    'unknown=1',
    'limit=1&limit=2',
    'cursor=',
    'serial=XYZ',
    'serial=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'identity=a&node=b',
    '__proto__=1',
  ])('with the query %s is refused', async (query) => {
    const made = admin({ certificates: () => ok({ rows: [], next: null }) });
    const path = '/v1/trust-domains/cluster.local/clusters/prod/certificates';
    const { status, json } = await call(made, 'GET', `${path}?${query}`);
    expect([status, json.code]).toEqual([400, 'query-invalid']);
    expect(made.objects.count('certificates')).toBe(0);
  });

  it('passes a query on as it is meant', async () => {
    const made = admin({ certificates: () => ok({ rows: [], next: null }) });
    const path = '/v1/trust-domains/cluster.local/clusters/prod/certificates';
    const identity = 'spiffe://cluster.local/ns/a/sa/b';
    await call(made, 'GET', `${path}?identity=${encodeURIComponent(identity)}&limit=7&cursor=c`);
    expect(made.objects.asked.at(-1)).toEqual({
      object: 'cluster-issuer/ci-1',
      method: 'certificates',
      args: [{ cursor: 'c', limit: 7, identity }],
    });
  });

  it('of the trust domains shows those that the token sees', async () => {
    const made = fakeApp({ authenticate: () => ok(holder('viewer', ['cluster.local'])) });
    const { json } = await call(made, 'GET', '/v1/trust-domains');
    expect(json).toEqual({ rows: [{ name: 'cluster.local', clusters: ['prod'] }] });
  });
});

import { describe, expect, it } from 'vitest';
import { ACCESS } from '../../ca-service/src/auth/access.ts';
import { parseConfig } from '../../ca-service/src/config.ts';
import { apiToken, BOOTSTRAP_TOKEN, CA_URL, failed, fakeApp, holder, ok } from './support/fakes.ts';

const status = { instanceId: 'i-1', bootstrapped: true, kek: 'ok', reason: null };

async function get(path: string, init: RequestInit = {}, made = fakeApp()) {
  const answer = await made.app.fetch(new Request(CA_URL + path, init));
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, problem: text === '' ? {} : JSON.parse(text), ...made };
}

describe('every answer', () => {
  it.each(['/healthz', '/v1/tokens', '/nowhere', '//'])(
    'says when it was made, by the clock of the CA: %s',
    async (path) => {
      const made = fakeApp();
      const { headers } = await get(path, {}, made);
      expect(headers.get('date')).toBe(new Date(made.time.now).toUTCString());
    },
  );
});

describe('an unknown route', () => {
  it.each(['/', '/v1', '/v2/trust-domains', '/V1/trust-domains', '/v1/Tokens', '/v1/tokens/t/x', '/.well-known/x'])(
    '%s is a 404 problem that asks nobody',
    async (path) => {
      const answer = await get(path);
      expect([answer.status, answer.problem.code]).toEqual([404, 'route-unknown']);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.objects.asked).toEqual([]);
    },
  );

  it.each(['/v1//tokens', '/v1/tokens/', '/v1/%74okens', '/v1/tokens;x', '//healthz', '/healthz/'])(
    '%s in another spelling is refused before it is routed',
    async (path) => {
      const answer = await get(path, { headers: { authorization: `Bearer ${apiToken()}` } });
      expect([answer.status, answer.problem.code]).toEqual([400, 'path-not-canonical']);
      expect(answer.objects.asked).toEqual([]);
    },
  );
});

describe('a method that a route does not have', () => {
  it.each(Object.keys(ACCESS))('is a 405 that names the right ones: %s', async (key) => {
    const [method = '', pattern = ''] = key.split(' ');
    const path = pattern.replaceAll(/:[A-Za-z]+/g, 'x');
    const answer = await get(path, { method: 'DELETE' });
    expect([answer.status, answer.problem.code]).toEqual([405, 'method-not-allowed']);
    expect(answer.headers.get('allow')).toContain(method);
  });

  it('cannot be smuggled in by a header', async () => {
    const headers = { 'x-http-method-override': 'POST', authorization: `Bearer ${apiToken()}` };
    const made = fakeApp({ authenticate: () => ok(holder('admin')), listTokens: () => ok([]) });
    expect((await get('/v1/tokens', { headers }, made)).status).toBe(200);
    expect(made.objects.count('createToken')).toBe(0);
  });
});

describe('what is refused', () => {
  it('is recorded with its path, and without its query or credential', async () => {
    const headers = { authorization: `Bearer ${apiToken()}x` };
    const { logged } = await get('/v1/tokens?secret=1', { headers });
    expect(logged).toEqual([
      {
        event: 'request-refused',
        fields: expect.objectContaining({ method: 'GET', path: '/v1/tokens', status: 401, code: 'unauthenticated' }),
      },
    ]);
    expect(JSON.stringify(logged)).not.toContain('secret');
    expect(JSON.stringify(logged)).not.toContain('aca_');
  });

  it('for an unknown route is recorded, too', async () => {
    const { logged } = await get('/v1/backdoor');
    expect(logged).toEqual([
      { event: 'request-refused', fields: expect.objectContaining({ path: '/v1/backdoor', code: 'route-unknown' }) },
    ]);
  });
});

describe('what was not foreseen', () => {
  it('is a 500 with a constant text; the log has the reason', async () => {
    const made = fakeApp({
      names: () => {
        throw new Error('secret: the database is on fire');
      },
    });
    const answer = await get('/v1/trust-domains/cluster.local/bundle.pem', {}, made);
    expect(answer.status).toBe(500);
    expect(JSON.stringify(answer.problem)).not.toContain('fire');
    expect(JSON.stringify(made.logged)).toContain('fire');
  });
});

describe.each(['kek-missing', 'kek-mismatch', 'state-missing', 'schema-newer'])('while the state is %s', (code) => {
  const made = () =>
    fakeApp({
      status: () => ok({ ...status, kek: code, reason: 'because' }),
      names: () => failed(code),
      authenticate: () => failed(code),
      bootstrap: () => failed(code),
    });

  it('health says so', async () => {
    const answer = await get('/healthz', {}, made());
    expect([answer.status, answer.problem.code, answer.problem.reason]).toEqual([503, code, 'because']);
  });

  it.each(['/v1/trust-domains/cluster.local/bundle.pem', '/v1/tokens', '/v1/trust-domains'])(
    '%s is unavailable with the reason and the command that fixes it',
    async (path) => {
      const answer = await get(path, { headers: { authorization: `Bearer ${apiToken()}` } }, made());
      expect([answer.status, answer.problem.code]).toEqual([503, code]);
      expect(answer.problem.fix).not.toBe('');
    },
  );

  it('nothing is bootstrapped', async () => {
    const init = {
      method: 'POST',
      body: '{"tokenName":"first"}',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${BOOTSTRAP_TOKEN}` },
    };
    expect((await get('/v1/bootstrap', init, made())).status).toBe(503);
  });
});

const misconfigured = () => fakeApp({}, parseConfig({ CA_URL: 'http://ca', ENVIRONMENT: 'staging' }));

describe('with settings that are invalid', () => {
  it('health names every fault, and nothing else is answered', async () => {
    const health = await get('/healthz', {}, misconfigured());
    expect([health.status, health.problem.code, health.problem.faults.length]).toEqual([503, 'config-invalid', 2]);
    const other = await get('/v1/trust-domains/cluster.local/bundle.pem', {}, misconfigured());
    expect([other.status, other.problem.code]).toEqual([503, 'config-invalid']);
    expect(other.objects.asked).toEqual([]);
  });
});

describe('health', () => {
  it('is well before the CA is bootstrapped', async () => {
    const made = fakeApp({ status: () => ok({ ...status, bootstrapped: false, instanceId: null }) });
    const answer = await get('/healthz', {}, made);
    expect([answer.status, answer.problem.status, answer.problem.bootstrapped]).toEqual([200, 'ok', false]);
  });

  it('answers HEAD, and refuses a query', async () => {
    const made = fakeApp({ status: () => ok(status) });
    expect((await made.app.fetch(new Request(`${CA_URL}/healthz`, { method: 'HEAD' }))).status).toBe(200);
    expect((await get('/healthz?verbose', {}, made)).status).toBe(400);
  });
});

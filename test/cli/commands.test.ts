import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../cli/src/errors.ts';
import { encodePem } from '../../pki/src/pem.ts';
import { FakeCa, problem } from './fake_ca.ts';
import { NOW, run, temporaryFile, temporaryFolder, type Ran } from './run.ts';

const DOMAIN = '/v1/trust-domains/cluster.local';
const ROOT_DER = Uint8Array.from([0x30, 0x03, 0x02, 0x01, 0x05]);
const PIN = createHash('sha256').update(ROOT_DER).digest('hex');
const BUNDLE = { text: encodePem('CERTIFICATE', ROOT_DER) };
const ROOT = {
  id: 'root-1',
  name: 'first',
  keyType: 'ec-p256',
  state: 'active',
  fingerprint: PIN,
  certificate: 'MAMCAQU=',
  notBefore: NOW,
  notAfter: NOW + 3650 * 86_400_000,
};
const CLUSTER = {
  name: 'east',
  clusterId: 'Kubernetes',
  region: 'auto',
  keySets: [{ issuer: 'https://kubernetes.default.svc', keys: [{ kty: 'EC', kid: 'k' }] }],
  tokenAudience: 'istio-ca',
  agentAccount: 'ambient-ca/ambient-ca-agent',
  namespaces: ['bookinfo', 'shop'],
  servingNames: ['ambient-ca-agent.ambient-ca.svc'],
  ttl: { floor: 600, default: 86_400, maximum: 604_800 },
  trustedNodeAccounts: ['istio-system/ztunnel'],
  enabled: true,
  epoch: 7,
  acknowledgedEpoch: 7,
};

let ca: FakeCa;
afterEach(() => ca.stop());

async function withCa(routes: Parameters<typeof FakeCa.start>[0], args: readonly string[], env = {}): Promise<Ran> {
  ca = await FakeCa.start({ 'GET /v1/trust-domains': { json: { rows: [{ name: 'cluster.local' }] } }, ...routes });
  const token = temporaryFile('token', 'the-token\n');
  return run(args, { AMBIENT_CA_URL: ca.url, AMBIENT_CA_TOKEN_FILE: token, ...env });
}

describe('output', () => {
  test('root list prints an aligned table, and the same rows as JSON', async () => {
    const routes = { [`GET ${DOMAIN}/roots`]: { json: { rows: [ROOT] } } };
    const { code, out } = await withCa(routes, ['root', 'list']);
    expect(code).toBe(EXIT.ok);
    expect(out).toBe(
      `ID      NAME   KEY      STATE   ENDS IN  FINGERPRINT (SHA-256)\nroot-1  first  ec-p256  active  3650d    ${PIN}\n`,
    );
    await ca.stop();
    expect(JSON.parse((await withCa(routes, ['root', 'list', '-o', 'json'])).out)).toEqual([ROOT]);
  });

  test('cluster show prints the current pins, computed from the public bundle', async () => {
    const routes = { [`GET ${DOMAIN}/clusters/east`]: { json: CLUSTER }, [`GET ${DOMAIN}/bundle.pem`]: BUNDLE };
    const { code, out } = await withCa(routes, ['cluster', 'show', 'east']);
    expect(code).toBe(EXIT.ok);
    expect(out).toContain('enabled, enforced');
    expect(out).toContain(`--root-pin=${PIN}`);
  });

  test('cert list asks for a SPIFFE ID where a short name was typed, and offers the next page', async () => {
    const row = {
      serial: '4f'.repeat(16),
      identity: 'spiffe://cluster.local/ns/a/sa/b',
      podUid: 'u',
      node: 'node-a',
      issuedAt: NOW - 60_000,
      notAfter: NOW + 3_600_000,
      issuer: 'i',
      bundleVersion: 1,
      level: 'token',
      requestId: 'r',
    };
    const query = 'limit=50&identity=spiffe%3A%2F%2Fcluster.local%2Fns%2Fa%2Fsa%2Fb';
    const routes = { [`GET ${DOMAIN}/clusters/east/certificates?${query}`]: { json: { rows: [row], next: 'c2' } } };
    const { code, out } = await withCa(routes, ['cert', 'list', '--cluster', 'east', '--identity', 'a/b']);
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(/spiffe:\/\/cluster\.local\/ns\/a\/sa\/b {2}node-a {2}1m ago {2}1h {7}token {5}4f4f/);
    expect(out).toContain('more: --cursor c2');
  });

  test('bundle needs no token, and sends none', async () => {
    ca = await FakeCa.start({ [`GET ${DOMAIN}/bundle.pem`]: BUNDLE });
    const { code, out } = await run(['bundle', '--ca', ca.url, '--trust-domain', 'cluster.local']);
    expect({ code, out }).toEqual({ code: EXIT.ok, out: BUNDLE.text });
    expect(ca.seen.map(({ authorization }) => authorization)).toEqual([undefined]);
  });
});

describe('cluster enrol', () => {
  const jwks = '{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b","d":"private by mistake","kid":"k"}]}';
  const args = () => [
    'cluster',
    'enrol',
    'east',
    '--token-issuer',
    'https://kubernetes.default.svc',
    '--jwks',
    temporaryFile('jwks.json', jwks),
    '--namespace',
    'bookinfo',
    '--namespace',
    'shop',
    '--trusted-node-account',
    'istio-system/ztunnel',
    '--serving-name',
    'ambient-ca-agent.ambient-ca.svc',
  ];
  const routes = { [`POST ${DOMAIN}/clusters`]: { status: 201, json: CLUSTER }, [`GET ${DOMAIN}/bundle.pem`]: BUNDLE };

  test('sends what was typed, and never a private member of a key', async () => {
    await withCa(routes, args());
    const sent = ca.seen.find(({ method }) => method === 'POST');
    expect(sent?.authorization).toBe('Bearer the-token');
    expect(sent?.body).toEqual({
      name: 'east',
      clusterId: 'Kubernetes',
      region: 'auto',
      tokenIssuer: 'https://kubernetes.default.svc',
      tokenAudience: 'istio-ca',
      jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'a', y: 'b', kid: 'k' }] },
      agentAccount: 'ambient-ca/ambient-ca-agent',
      namespaces: ['bookinfo', 'shop'],
      servingNames: ['ambient-ca-agent.ambient-ca.svc'],
      ttl: { floor: 600, default: 86_400, maximum: 604_800 },
      trustedNodeAccounts: ['istio-system/ztunnel'],
    });
  });

  test('prints the settings of the agent to paste', async () => {
    const { code, out } = await withCa(routes, args());
    expect(code).toBe(EXIT.ok);
    for (const flag of [
      '--trust-domain=cluster.local',
      '--cluster=east',
      '--cluster-id=Kubernetes',
      `--ca-url=${ca.url}`,
      `--root-pin=${PIN}`,
      '--token-audience=istio-ca',
      '--trusted-node-accounts=istio-system/ztunnel',
    ]) {
      expect(out).toContain(`  ${flag}\n`);
    }
    expect(out).not.toContain('--ca-cert');
  });

  test('prints the private TLS root of the CA where one was given', async () => {
    const { out } = await withCa(routes, [...args(), '--ca-cert', temporaryFile('ca-tls.pem', BUNDLE.text)]);
    expect(out).toContain('--ca-cert=');
    expect(out).toContain(BUNDLE.text);
  });
});

describe('what the CA refuses', () => {
  test.each([
    [401, 'unauthenticated', EXIT.denied],
    [403, 'forbidden', EXIT.denied],
    [404, 'not-found', EXIT.notFound],
    [409, 'already-exists', EXIT.conflict],
    [400, 'invalid', EXIT.failed],
    [500, 'internal', EXIT.failed],
    [503, 'kek-missing', EXIT.unavailable],
  ])('HTTP %i %s keeps its exit code, and its code in JSON', async (status, code, exit) => {
    const routes = { [`GET ${DOMAIN}/roots`]: problem(status, code, 'why', { fix: 'do this' }) };
    const ran = await withCa(routes, ['root', 'list', '-o', 'json'], { AMBIENT_CA_TRUST_DOMAIN: 'cluster.local' });
    expect({ code: ran.code, out: ran.out }).toEqual({ code: exit, out: '' });
    expect(JSON.parse(ran.err)).toEqual({
      error: { code, message: 'listing roots: why', next: 'do this', exitCode: exit },
    });
  });

  test('every fault of an input is listed', async () => {
    const faults = ['namespaces: empty', 'ttl.floor: too low'];
    const routes = { [`POST ${DOMAIN}/roots`]: problem(400, 'invalid', 'the input has faults', { faults }) };
    const { err } = await withCa(routes, ['root', 'create']);
    for (const fault of faults) expect(err).toContain(`- ${fault}`);
  });

  test('a misspelt cluster offers the near one', async () => {
    const routes = { [`GET ${DOMAIN}/clusters`]: { json: { rows: [CLUSTER, { ...CLUSTER, name: 'west' }] } } };
    const { code, err } = await withCa(routes, ['cluster', 'show', 'aest']);
    expect(code).toBe(EXIT.notFound);
    expect(err).toContain('there is no cluster aest\n  next: did you mean east?');
  });

  test('a misspelt trust domain offers the near one', async () => {
    const { code, err } = await withCa({}, ['root', 'list', '--trust-domain', 'cluster.locl']);
    expect(code).toBe(EXIT.notFound);
    expect(err).toContain('did you mean cluster.local?');
  });

  test('control characters of an answer do not reach the terminal', async () => {
    const routes = { [`GET ${DOMAIN}/roots`]: problem(400, 'invalid', '\u001b[2Jgone') };
    const { err } = await withCa(routes, ['root', 'list']);
    expect(err).not.toContain('\u001b');
  });

  test('an answer that is no JSON is a failure, not a crash', async () => {
    const { code, err } = await withCa({ [`GET ${DOMAIN}/roots`]: { text: '<html>' } }, ['root', 'list']);
    expect(code).toBe(EXIT.failed);
    expect(err).toContain('is not JSON');
  });

  test('a redirect is not followed: the token stays here', async () => {
    const { code } = await withCa({ [`GET ${DOMAIN}/roots`]: { status: 302, json: {} } }, ['root', 'list']);
    expect(code).toBe(EXIT.failed);
    expect(ca.seen).toHaveLength(2);
  });
});

describe('secrets', () => {
  test('bootstrap writes the token to a file of mode 0600 and prints it nowhere', async () => {
    ca = await FakeCa.start({
      'POST /v1/bootstrap': { status: 201, json: { instanceId: 'i-1', token: 'admin-secret' } },
    });
    const out = join(temporaryFolder(), 'admin-token');
    const ran = await run([
      'bootstrap',
      '--ca',
      ca.url,
      '--out',
      out,
      '--bootstrap-token-file',
      temporaryFile('b', 'boot-secret'),
    ]);
    expect(ran.code).toBe(EXIT.ok);
    expect(ran.out + ran.err).not.toContain('secret');
    expect(ran.out).toContain('INSTANCE_ID=i-1');
    expect(readFileSync(out, 'utf8')).toBe('admin-secret\n');
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(ca.seen[0]?.authorization).toBe('Bearer boot-secret');
  });

  test('bootstrap does not use up its one chance when the file cannot be written', async () => {
    ca = await FakeCa.start({});
    const existing = temporaryFile('admin-token', 'older');
    const args = ['bootstrap', '--ca', ca.url, '--out', existing, '--bootstrap-token-file', temporaryFile('b', 'x')];
    expect((await run(args)).code).toBe(EXIT.usage);
    expect(ca.seen).toEqual([]);
  });
});

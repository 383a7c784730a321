import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../pki/src/bytes.ts';
import { formatAgentKey, thumbprintUrn } from '../../../ca-service/src/client/agent_key.ts';
import { MAX_BATCH_BYTES } from '../../../ca-service/src/client/protocol.ts';
import { encodeAnswer } from '../../../ca-service/src/objects/packed.ts';
import { TestAgent } from '../support/agent.ts';
import { CA_URL, fakeApp, NOW, ok, snapshotOf } from '../support/fakes.ts';
import { agentPod, batch, callerOf, CLUSTER_PATH, itemOf, meshOf, ztunnelPod, ztunnelToken } from '../support/mesh.ts';
import { tokenSigner } from '../support/tokens.ts';

const signer = await tokenSigner();
const snapshot = await snapshotOf(signer);
const { agent, token } = await meshOf(signer, CA_URL, NOW);
const path = `${CLUSTER_PATH}/certificates`;
const body = batch([await callerOf(await ztunnelToken(signer, NOW), ztunnelPod, null)], [await itemOf(NOW)]);
const seconds = NOW / 1000;

function app() {
  return fakeApp({
    snapshot: () => ok(snapshot),
    issue: () => ok(encodeAnswer({ status: 200, headers: {} }, utf8('{}'))),
    answerProblem: (status: number, problem: object) =>
      ok(encodeAnswer({ status, headers: { 'x-signed': 'yes' } }, utf8(JSON.stringify(problem)))),
  });
}

/** Status, code and whether anything was issued. */
async function outcome(request: Request): Promise<{ status: number; code: string; signed: boolean; issued: number }> {
  const { app: ca, objects } = app();
  const answer = await ca.fetch(request);
  const { code = '' } = (await answer.json()) as { code?: string };
  return { status: answer.status, code, signed: answer.headers.has('x-signed'), issued: objects.count('issue') };
}

function send(change: object = {}, sent = body): Promise<Request> {
  return agent.request(path, sent, { token, boot: 'bootboot', now: NOW, ...change });
}

it('a request that is right is issued', async () => {
  expect(await outcome(await send())).toMatchObject({ status: 200, issued: 1 });
});

it('a request that came through a proxy under another name is issued: the CA knows its own URL', async () => {
  const request = await send();
  const proxied = new Request(`http://10.0.0.1:8080${path}`, { method: 'POST', headers: request.headers, body });
  expect(await outcome(proxied)).toMatchObject({ status: 200, issued: 1 });
});

describe('a request that was altered on its way is refused, and nothing issued', async () => {
  const refused = { status: 401, code: 'agent-signature', signed: false, issued: 0 };
  const other = await TestAgent.create(CA_URL);

  it.each([
    ['its method', { message: { method: 'GET' } }],
    ['its target', { message: { targetUri: `${CA_URL}/v1/trust-domains/cluster.local/clusters/test/certificates` } }],
    ['the CA it is for', { message: { targetUri: `https://other.example.com${path}` } }],
    ['its digest', { message: { contentDigest: 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:' } }],
    ['its token', { message: { authorization: 'Bearer a.b.c' } }],
    ['a missing signature', { headers: { signature: null } }],
    ['a missing signature-input', { headers: { 'signature-input': null } }],
    ['a missing key', { headers: { 'ambient-agent-key': null } }],
    ['another key', { headers: { 'ambient-agent-key': formatAgentKey(other) } }],
    ['a key id of another key', { params: { keyid: other.thumbprint } }],
    [
      'a key that is no point of the curve',
      { headers: { 'ambient-agent-key': formatAgentKey({ x: agent.x, y: agent.x }) } },
    ],
  ])('%s', async (_, change) => {
    expect(await outcome(await send(change))).toEqual(refused);
  });

  it.each([
    ['its time', /created=\d+/, 'created=1800000001'],
    ['its nonce', /nonce="bootboot/, 'nonce="bootbooT'],
    ['its algorithm', /ecdsa-p256-sha256/, 'hmac-sha256'],
    ['its tag', /ambient-ca-agent/, 'ambient-ca-answer'],
    ['the order of its components', /"@method" "@target-uri"/, '"@target-uri" "@method"'],
    ['a component fewer', / "authorization"/, ''],
    ['a further signature', /^.*$/, '$&, sig2=("@method")'],
  ])('%s', async (_, from, to) => {
    const request = await send();
    request.headers.set('signature-input', (request.headers.get('signature-input') ?? '').replace(from, to));
    expect(await outcome(request)).toEqual(refused);
  });

  it('its body, with a refusal that is signed: the agent is known by then', async () => {
    const request = await send();
    const altered = new Request(request.url, { method: 'POST', headers: request.headers, body: utf8('{}') });
    expect(await outcome(altered)).toEqual({ status: 400, code: 'digest-mismatch', signed: true, issued: 0 });
  });
});

describe('a token of an agent is refused', async () => {
  const refused = { status: 401, code: 'agent-token', signed: false, issued: 0 };
  const urn = thumbprintUrn(agent.thumbprint);
  const otherKey = await TestAgent.create(CA_URL);
  const otherSigner = await tokenSigner();

  it.each<[string, object]>([
    ['without the thumbprint of the key', { aud: [CA_URL] }],
    ['without the URL of this CA', { aud: [urn] }],
    ['for the key of another agent', { aud: [CA_URL, thumbprintUrn(otherKey.thumbprint)] }],
    ['for another CA', { aud: ['https://other.example.com', urn] }],
    ['for this CA with a slash', { aud: [`${CA_URL}/`, urn] }],
    ['for a further audience', { aud: [CA_URL, urn, 'istio-ca'] }],
    ['for one audience twice', { aud: [CA_URL, CA_URL] }],
    ['for an audience that contains both', { aud: `${CA_URL} ${urn}` }],
    ['that has expired, without leeway', { exp: seconds }],
    ['that begins later', { nbf: seconds + 301 }],
    ['that lives longer than an hour', { exp: seconds + 3_601 }],
    ['that does not say since when', { iat: undefined, nbf: undefined }],
    [
      'of another account',
      { sub: 'system:serviceaccount:ambient-ca:other', 'kubernetes.io': account('ambient-ca', 'other') },
    ],
    ['of another namespace', { sub: 'system:serviceaccount:other:agent', 'kubernetes.io': account('other', 'agent') }],
    ['that is not bound to a pod', { 'kubernetes.io': { ...account('ambient-ca', 'agent'), pod: undefined } }],
  ])('%s', async (_, change) => {
    const other = await agent.token(signer, agentPod, seconds - 30, change);
    expect(await outcome(await send({ token: other }))).toEqual(refused);
  });

  it('of another cluster', async () => {
    const other = await agent.token(otherSigner, agentPod, seconds - 30);
    expect(await outcome(await send({ token: other }))).toEqual(refused);
  });

  it('without its key: the signature of another one does not help', async () => {
    const stolen = await otherKey.request(path, body, { token, boot: 'bootboot', now: NOW });
    expect(await outcome(stolen)).toEqual(refused);
  });

  it.each(['Basic YTpi', `Bearer ${token}, Bearer ${token}`, `Bearer  ${token}`, `bearer ${token}`, 'Bearer '])(
    'as %s',
    async (authorization) => {
      expect(await outcome(await send({ headers: { authorization } }))).toMatchObject({ status: 401, issued: 0 });
    },
  );
});

describe('a request is refused before anyone is asked who it is', () => {
  it.each([
    ['for a trust domain that is not known', '/v1/trust-domains/guess.example/clusters/prod/certificates'],
    ['for a cluster that is not known', '/v1/trust-domains/cluster.local/clusters/guess/certificates'],
    ['for a cluster of another trust domain', '/v1/trust-domains/other.example/clusters/prod/certificates'],
  ])('%s', async (_, to) => {
    const { app: ca, objects } = app();
    const answer = await ca.fetch(await agent.request(to, body, { token, boot: 'bootboot', now: NOW }));
    expect(answer.status).toBe(404);
    expect(objects.asked.map(({ method }) => method)).toEqual(['names']);
  });

  it('with a query', async () => {
    const request = await send();
    const asked = new Request(`${request.url}?debug=1`, { method: 'POST', headers: request.headers, body });
    expect(await outcome(asked)).toMatchObject({ status: 400, code: 'query-invalid' });
  });
});

describe('a body is refused, with a signed answer', () => {
  it.each([
    ['that is no JSON', utf8('x'), 400, 'body-malformed'],
    ['with an unknown member', utf8('{"version":1,"extra":1}'), 400, 'body-malformed'],
    ['that is too large', new Uint8Array(MAX_BATCH_BYTES + 1), 413, 'body-too-large'],
  ])('%s', async (_, sent, status, code) => {
    expect(await outcome(await send({}, sent))).toEqual({ status, code, signed: true, issued: 0 });
  });

  it('of another type', async () => {
    const request = await send({ headers: { 'content-type': 'text/plain' } });
    expect(await outcome(request)).toEqual({ status: 415, code: 'media-type', signed: true, issued: 0 });
  });
});

function account(namespace: string, name: string) {
  return {
    namespace,
    serviceaccount: { name, uid: 'sa' },
    pod: { name: agentPod.name, uid: agentPod.uid },
    node: { name: agentPod.node, uid: 'n' },
  };
}

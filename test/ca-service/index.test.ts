import { env, exports } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromBase64, toHex } from '../../pki/src/bytes.ts';
import { parseCertificate } from '../../pki/src/certificate/parse.ts';
import { verifyChain } from '../../pki/src/chain/verify.ts';
import { webCrypto } from '../../pki/src/crypto/web.ts';
import { checkContentDigest } from '../../ca-service/src/client/content_digest.ts';
import {
  parseAnswerSignature,
  parseRequestSignature,
  verifyAnswer,
} from '../../ca-service/src/client/message_signature.ts';
import {
  decodeBatchAnswer,
  decodeServingAnswer,
  decodeTrustDocument,
  encodeServingRequest,
  encodeTrustRequest,
  type TrustDocument,
} from '../../ca-service/src/client/protocol.ts';
import {
  agentPod,
  batch,
  callerOf,
  CLUSTER_PATH,
  csrFor,
  IDENTITY,
  itemOf,
  meshOf,
  type Mesh,
  ztunnelPod,
  ztunnelToken,
} from './support/mesh.ts';
import { ISSUER, tokenSigner, type TokenSigner } from './support/tokens.ts';

/** From bootstrap to a certificate, through the deployed entry point and the real objects. */

const worker = (exports as unknown as { default: { fetch(request: Request): Promise<Response> } }).default;
const caUrl = env.CA_URL ?? '';
const port = webCrypto();
let adminToken = '';
let mesh: Mesh;
let trust: TrustDocument;

async function admin(method: string, path: string, body?: object, token = adminToken, headers = {}) {
  const all = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers };
  const init = { method, headers: all, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = await worker.fetch(new Request(caUrl + path, init));
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}

function enrolment(signer: TokenSigner, change: object = {}): object {
  return {
    name: 'prod',
    clusterId: 'Kubernetes',
    region: 'local',
    tokenIssuer: ISSUER,
    jwks: { keys: [{ ...signer.jwk, use: 'sig' }] },
    tokenAudience: 'istio-ca',
    agentAccount: 'ambient-ca/agent',
    namespaces: ['bookinfo'],
    servingNames: ['istio-csr.ambient-ca.svc'],
    ttl: { floor: 600, default: 3_600, maximum: 86_400 },
    trustedNodeAccounts: ['istio-system/ztunnel'],
    ...change,
  };
}

/** Sends as the agent, and believes the answer only if the answer key signed it for this very request. */
async function ask(path: string, body: Uint8Array, change: object = {}): Promise<{ status: number; body: Uint8Array }> {
  const request = await mesh.agent.request(`${CLUSTER_PATH}/${path}`, body, {
    token: mesh.token,
    boot: trust?.boot ?? 'none',
    now: Date.now(),
    ...change,
  });
  return believe(request, await worker.fetch(request.clone()));
}

async function believe(request: Request, answer: Response): Promise<{ status: number; body: Uint8Array }> {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const header = (name: string) => answer.headers.get(name);
  await checkContentDigest(port, header('content-digest'), bytes);
  const certificate = trust?.answerKey.certificate ?? decodeTrustDocument(bytes).answerKey.certificate;
  const { spki } = parseCertificate(fromBase64(certificate));
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('spki', own(spki), algorithm, false, ['verify']);
  const asked = parseRequestSignature(request.headers.get('signature-input'), request.headers.get('signature'));
  const message = {
    status: answer.status,
    contentDigest: header('content-digest') ?? '',
    requestSignature: asked.signatureText,
  };
  await verifyAnswer(message, parseAnswerSignature(header('signature-input'), header('signature')), (base, signature) =>
    crypto.subtle.verify(algorithm, key, own(signature), own(base)),
  );
  return { status: answer.status, body: bytes };
}

beforeAll(async () => {
  const first = await admin('POST', '/v1/bootstrap', { tokenName: 'first' }, env.BOOTSTRAP_TOKEN);
  adminToken = String(first.json['token']);
  const signer = await tokenSigner();
  await admin('POST', '/v1/trust-domains', { name: 'cluster.local' });
  await admin('POST', '/v1/trust-domains/cluster.local/roots', { keyType: 'ec-p256' });
  await admin('POST', '/v1/trust-domains/cluster.local/clusters', enrolment(signer));
  mesh = await meshOf(signer, caUrl, Date.now());
  trust = decodeTrustDocument((await ask('trust', encodeTrustRequest({ version: 1 }))).body);
});

async function issue(change: object = {}, sent: object = {}) {
  const now = Date.now();
  const caller = await callerOf(await ztunnelToken(mesh.signer, now), ztunnelPod, trust.evidenceKey);
  const answer = await ask('certificates', batch([caller], [await itemOf(now, change)]), sent);
  return answer;
}

describe('from bootstrap to a certificate', () => {
  it('the enrolled cluster is shown as it is enforced', async () => {
    const { status, json } = await admin('GET', CLUSTER_PATH);
    expect([status, json]).toEqual([200, expect.objectContaining({ name: 'prod', enabled: true })]);
    expect(json['acknowledgedEpoch']).toBe(json['epoch']);
  });

  it('an SVID chains to the root of the public bundle, by the key of the CSR and the attested identity', async () => {
    const { csr, spki } = await csrFor(IDENTITY);
    const { status, body } = await issue({ csr });
    expect(status).toBe(200);
    const [item] = decodeBatchAnswer(body).items;
    if (item?.status !== 'issued') throw new Error(JSON.stringify(item));
    const leaf = fromBase64(item.certificate);
    const intermediate = trust.intermediates.find(({ id }) => id === item.issuer)?.certificate ?? '';
    const bundle = await worker.fetch(new Request(`${caUrl}/v1/trust-domains/cluster.local/bundle.json`));
    const { keys } = (await bundle.json()) as { keys: { x5c: string[] }[] };
    const result = await verifyChain({
      crypto: port,
      leaf,
      intermediates: [fromBase64(intermediate)],
      roots: keys.map(({ x5c }) => fromBase64(x5c[0] ?? '')),
      now: Date.now(),
    });
    expect(result).toMatchObject({ ok: true });
    expect(parseCertificate(leaf)).toMatchObject({ spki, uriSans: [IDENTITY] });
  });

  it('a serving certificate has the enrolled names', async () => {
    const { csr } = await csrFor(null);
    const now = Date.now();
    const request = encodeServingRequest({
      version: 1,
      id: 's-1',
      bundleVersion: trust.bundleVersion,
      csr,
      receivedAt: now,
    });
    const { status, body } = await ask('serving-certificates', request);
    expect(status).toBe(200);
    const answer = decodeServingAnswer(body);
    expect(answer).toMatchObject({ id: 's-1', dnsNames: ['istio-csr.ambient-ca.svc'] });
    expect(parseCertificate(fromBase64(answer.certificate)).dnsSans).toEqual(['istio-csr.ambient-ca.svc']);
  });

  it('a CSR for serving that asks for an identity is refused', async () => {
    const { csr } = await csrFor(IDENTITY);
    const request = encodeServingRequest({ version: 1, id: 's-2', bundleVersion: 0, csr, receivedAt: Date.now() });
    expect((await ask('serving-certificates', request)).status).toBe(400);
  });

  it('what was issued stands in the ledger by identity, node and serial, and in the counts', async () => {
    const path = `${CLUSTER_PATH}/certificates`;
    const id = `r-${crypto.randomUUID()}`;
    const { body } = await issue({ id });
    const [item] = decodeBatchAnswer(body).items;
    if (item?.status !== 'issued') throw new Error(JSON.stringify(item));
    const serial = toHex(parseCertificate(fromBase64(item.certificate)).serial);
    for (const query of [`identity=${encodeURIComponent(IDENTITY)}`, 'node=node-a', `serial=${serial}`]) {
      const { json } = await admin('GET', `${path}?${query}`);
      expect(json['rows'], query).toContainEqual(
        expect.objectContaining({ serial, identity: IDENTITY, node: 'node-a', level: 'token+agent', requestId: id }),
      );
    }
    const { json } = await admin('GET', `${path}/counts`);
    expect(json).toMatchObject({ atLeast: false });
    expect(json['current']).toBeGreaterThan(0);
  });

  it('a namespace that is not enrolled is refused by its item', async () => {
    const identity = 'spiffe://cluster.local/ns/kube-system/sa/admin';
    const { status, body } = await issue({ identity });
    expect(status).toBe(200);
    expect(decodeBatchAnswer(body).items[0]).toMatchObject({ status: 'refused', code: 'namespace-not-enrolled' });
  });
});

describe('a replayed request', () => {
  it('is told to sign again, in a signed answer, and issues nothing', async () => {
    const now = Date.now();
    const caller = await callerOf(await ztunnelToken(mesh.signer, now), ztunnelPod, trust.evidenceKey);
    const request = await mesh.agent.request(`${CLUSTER_PATH}/certificates`, batch([caller], [await itemOf(now)]), {
      token: mesh.token,
      boot: trust.boot,
      now,
    });
    const answers = [];
    for (let turn = 0; turn < 3; turn++) {
      const { status, body } = await believe(request, await worker.fetch(request.clone()));
      answers.push([status, JSON.parse(new TextDecoder().decode(body)).code]);
    }
    expect(answers).toEqual([
      [200, undefined],
      [409, 'again'],
      [409, 'again'],
    ]);
  });

  it('fifty at once are issued once', async () => {
    const now = Date.now();
    const caller = await callerOf(await ztunnelToken(mesh.signer, now), ztunnelPod, trust.evidenceKey);
    const request = await mesh.agent.request(`${CLUSTER_PATH}/certificates`, batch([caller], [await itemOf(now)]), {
      token: mesh.token,
      boot: trust.boot,
      now,
    });
    const statuses = await Promise.all(
      Array.from({ length: 50 }, async () => (await worker.fetch(request.clone())).status),
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(49);
  });

  it.each([
    ['of another boot', { boot: 'bootboot' }],
    ['of no boot', { boot: 'none' }],
    ['of three minutes ago', { params: { created: Math.floor(Date.now() / 1000) - 180 } }],
    ['of three minutes from now', { params: { created: Math.floor(Date.now() / 1000) + 180 } }],
  ])('%s is told so', async (_, change) => {
    const { status, body } = await issue({}, change);
    expect([status, JSON.parse(new TextDecoder().decode(body))]).toEqual([
      409,
      expect.objectContaining({ code: 'again', boot: trust.boot, time: expect.any(Number) }),
    ]);
  });
});

describe('the agent of another cluster', () => {
  it('gets nothing from this one', async () => {
    const signer = await tokenSigner();
    const second = enrolment(signer, { name: 'test', clusterId: 'test', namespaces: ['test'] });
    expect((await admin('POST', '/v1/trust-domains/cluster.local/clusters', second)).status).toBe(201);
    const token = await mesh.agent.token(signer, agentPod, Math.floor(Date.now() / 1000) - 30);
    const request = await mesh.agent.request(`${CLUSTER_PATH}/trust`, encodeTrustRequest({ version: 1 }), {
      token,
      boot: 'none',
      now: Date.now(),
    });
    expect((await worker.fetch(request)).status).toBe(401);
  });
});

describe('tokens of admins', () => {
  it('are dead at once when they are revoked', async () => {
    const input = { name: 'ci', role: 'viewer', trustDomains: '*', ttlSeconds: 600 };
    const { json } = await admin('POST', '/v1/tokens', input);
    const token = String(json['token']);
    expect((await admin('GET', '/v1/trust-domains', undefined, token)).status).toBe(200);
    expect((await admin('POST', `/v1/tokens/${String(json['id'])}/revoke`)).status).toBe(200);
    expect((await admin('GET', '/v1/trust-domains', undefined, token)).status).toBe(401);
  });

  it('that try what they may not are found in the audit', async () => {
    const input = { name: 'curious', role: 'viewer', trustDomains: '*', ttlSeconds: 600 };
    const { json } = await admin('POST', '/v1/tokens', input);
    expect((await admin('GET', '/v1/tokens', undefined, String(json['token']))).status).toBe(403);
    const page = await admin('GET', '/v1/audit?limit=500');
    expect(page.json['rows']).toContainEqual(
      expect.objectContaining({
        action: 'GET /v1/tokens',
        outcome: 'refused',
        actor: expect.objectContaining({ name: 'curious' }),
      }),
    );
  });

  it('an Idempotency-Key makes a repeated write one', async () => {
    const input = { keyType: 'ec-p384' };
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const path = '/v1/trust-domains/cluster.local/roots';
    const first = await admin('POST', path, input, adminToken, headers);
    const again = await admin('POST', path, input, adminToken, headers);
    expect([first.status, again.status, again.json['id']]).toEqual([201, 201, first.json['id']]);
    const other = await admin('POST', path, { keyType: 'ec-p256' }, adminToken, headers);
    expect([other.status, other.json['code']]).toEqual([422, 'idempotency-mismatch']);
  });
});

const setKeys = async (...signers: TokenSigner[]) => {
  const keys = signers.map(({ jwk }) => jwk);
  const { status, json } = await admin('POST', `${CLUSTER_PATH}/keys`, { jwks: { keys } });
  expect([status, json['enforced']]).toEqual([200, true]);
};

describe('a cluster whose API server signs with another key', () => {
  it('is served by it once it is set, and by the old one no longer when that is left out', async () => {
    const old = mesh;
    const fresh = await tokenSigner('ES256', 'k2');
    const statusBy = async (signer: TokenSigner, by: Mesh) => {
      mesh = { ...by, signer };
      const { items } = decodeBatchAnswer((await issue()).body);
      return items[0];
    };
    expect(await statusBy(fresh, old)).toMatchObject({ status: 'refused', code: 'token-invalid' });
    await setKeys(old.signer, fresh);
    expect(await statusBy(fresh, old)).toMatchObject({ status: 'issued' });
    expect(await statusBy(old.signer, old)).toMatchObject({ status: 'issued' });
    const renewed = await meshOf(fresh, caUrl, Date.now());
    await setKeys(fresh);
    expect(await statusBy(fresh, renewed)).toMatchObject({ status: 'issued' });
    expect(await statusBy(old.signer, renewed)).toMatchObject({ status: 'refused', code: 'token-invalid' });
    mesh = renewed;
  });
});

// Last, as nothing is issued afterwards.
describe('a cluster that is disabled', () => {
  it('gets nothing from the moment that it is enforced, though the Worker has its old configuration', async () => {
    expect((await issue()).status).toBe(200);
    const { json } = await admin('POST', `${CLUSTER_PATH}/disable`);
    expect(json).toMatchObject({ enforced: true });
    const { status, body } = await issue();
    expect([status, JSON.parse(new TextDecoder().decode(body)).code]).toEqual([403, 'cluster-disabled']);
  });
});

function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

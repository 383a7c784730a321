import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { AGENT_KEY_HEADER, parseAgentKey } from '../../../ca-service/src/client/agent_key.ts';
import { checkContentDigest, contentDigest } from '../../../ca-service/src/client/content_digest.ts';
import {
  bootOf,
  parseRequestSignature,
  signAnswer,
  verifyRequest,
} from '../../../ca-service/src/client/message_signature.ts';
import { type Problem, problemType } from '../../../ca-service/src/client/problem.ts';
import {
  type BatchRequest,
  decodeBatchRequest,
  decodeServingRequest,
  decodeTrustRequest,
  type Item,
  type ItemAnswer,
  type TrustDocument,
} from '../../../ca-service/src/client/protocol.ts';
import { openToken } from '../../../ca-service/src/client/sealed_token.ts';
import { nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { parseCsr } from '../../../pki/src/csr/parse.ts';
import {
  makeAnswerKey,
  makeIntermediate,
  makeLeaf,
  makeRoot,
  type TestAnswerKey,
  type TestIntermediate,
  type TestRoot,
} from './authority.ts';

export type Kind = 'issue' | 'serving' | 'trust';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array;
}

const crypto = nodeCrypto();
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const KINDS: Record<string, Kind> = { certificates: 'issue', 'serving-certificates': 'serving', trust: 'trust' };

/**
 * A CA over real HTTP that judges requests as the Worker does and signs its answers properly, until a test tells it to
 * do otherwise. What it knows is public, so that a test can change the world between two calls.
 */
export class FakeCa {
  readonly server: Server;
  url = '';
  readonly trustDomain = 'cluster.local';
  readonly cluster = 'west';
  roots: TestRoot[] = [];
  crosses: Uint8Array[] = [];
  svid!: TestIntermediate;
  serving!: TestIntermediate;
  answerKey!: TestAnswerKey;
  /** Kept beside the current ones. */
  others: TestIntermediate[] = [];
  epoch = 7;
  bundleVersion = 3;
  boot = newBoot();
  clockOffset = 0;
  enabled = true;
  servingNames = ['agent.ambient-ca.svc'];
  /** s */
  ttl = 86_400;
  evidence = evidenceKey();
  readonly knownTokens = new Set<string>();
  readonly nonces = new Set<string>();
  /** What came in, in order. */
  readonly requests: { kind: Kind; headers: IncomingMessage['headers']; body: Uint8Array }[] = [];
  readonly batches: BatchRequest[] = [];
  readonly openedTokens: string[] = [];

  /** Signature of the request that is being answered, base64: an answer to it can be signed anew. */
  lastSignature = '';

  /** Changes a trust document before it is signed. */
  document: (document: TrustDocument) => TrustDocument = (document) => document;
  /** The verdict on an item instead of a certificate. */
  verdict: (item: Item, batch: BatchRequest) => ItemAnswer | null = () => null;
  /** Changes any other body before it is signed. */
  shape: (kind: Kind, body: object) => object = (_kind, body) => body;
  /** Changes the signed answer, or cuts the connection, or never answers. */
  tamper: (kind: Kind, answer: Answer) => Answer | 'cut' | 'hang' | Promise<Answer> = (_kind, answer) => answer;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  constructor() {
    this.server = this.#listenable();
  }

  static async start(): Promise<FakeCa> {
    const ca = new FakeCa();
    const root = await makeRoot();
    ca.roots = [root];
    await ca.generation(root);
    await ca.up();
    return ca;
  }

  /** Fresh intermediates and a fresh answer key under a root. */
  async generation(root: TestRoot): Promise<void> {
    this.svid = await makeIntermediate(root, 'svid');
    this.serving = await makeIntermediate(root, 'serving');
    this.answerKey = makeAnswerKey(this.serving);
  }

  /** Listens, on the same port as before. */
  async up(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.#port}`;
  }

  async down(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  /** As after a restart: another boot, and nothing remembered. */
  restart(): void {
    this.boot = newBoot();
    this.knownTokens.clear();
    this.nonces.clear();
  }

  get now(): number {
    return Date.now() + this.clockOffset;
  }

  trustDocument(): TrustDocument {
    const intermediates = [this.svid, this.serving, ...this.others].map(({ id, purpose, der }) => ({
      id,
      purpose,
      certificate: base64(der),
      current: !this.others.some((other) => other.id === id),
    }));
    return this.document({
      version: 1,
      time: this.now,
      boot: this.boot,
      trustDomain: this.trustDomain,
      cluster: this.cluster,
      clusterId: 'Kubernetes',
      epoch: this.epoch,
      bundleVersion: this.bundleVersion,
      enabled: this.enabled,
      roots: this.roots.map(({ der }) => base64(der)),
      crossCertificates: this.crosses.map(base64),
      intermediates,
      answerKey: { certificate: base64(this.answerKey.certificate), issuer: this.answerKey.issuer },
      evidenceKey: { kid: this.evidence.kid, jwk: this.evidence.jwk },
      servingNames: this.servingNames,
      ttl: { floor: 600, default: 86_400, maximum: 604_800 },
    });
  }

  /** Headers and body as the cluster's object makes them. */
  async signed(status: number, value: object, requestSignature: string, key = this.answerKey.key): Promise<Answer> {
    const body = Buffer.from(JSON.stringify(value));
    const digest = await contentDigest(crypto, body);
    const { signatureText: _, ...fields } = await signAnswer(
      { status, contentDigest: digest, requestSignature },
      { created: Math.floor(this.now / 1000), keyid: keyIdOf(key.spki) },
      (base) => sign('sha256', base, { key: privateKey(key.pkcs8), dsaEncoding: 'ieee-p1363' }),
    );
    const type = status === 200 ? 'application/json' : 'application/problem+json';
    return { status, headers: { 'content-type': type, 'content-digest': digest, ...fields }, body };
  }

  #listenable(): Server {
    const server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        const problem = unsignedProblem(error);
        response.writeHead(problem.status, { 'content-type': 'application/problem+json' });
        response.end(JSON.stringify(problem));
      });
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    return server;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const kind = this.#route(request.url ?? '');
    this.requests.push({ kind, headers: request.headers, body });
    const { signatureText, nonce } = await this.#authenticate(request, body);
    this.lastSignature = signatureText;
    const answer = await this.#answer(kind, body, nonce, signatureText);
    const sent = await this.tamper(kind, answer);
    if (sent === 'hang') return;
    if (sent === 'cut') {
      request.socket.destroy();
      return;
    }
    response.writeHead(sent.status, { ...sent.headers, 'content-length': sent.body.length });
    response.end(sent.body);
  }

  #route(url: string): Kind {
    const prefix = `/v1/trust-domains/${this.trustDomain}/clusters/${this.cluster}/`;
    const kind = url.startsWith(prefix) ? KINDS[url.slice(prefix.length)] : undefined;
    if (kind === undefined) throw new Refused(404, 'not-found');
    return kind;
  }

  async #authenticate(request: IncomingMessage, body: Uint8Array): Promise<{ signatureText: string; nonce: string }> {
    const header = (name: string): string => String(request.headers[name]);
    try {
      const key = parseAgentKey(header(AGENT_KEY_HEADER));
      const parsed = parseRequestSignature(header('signature-input'), header('signature'));
      const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
      const imported = await globalThis.crypto.subtle.importKey('jwk', { ...key }, algorithm, false, ['verify']);
      const message = {
        method: request.method ?? '',
        targetUri: this.url + (request.url ?? ''),
        contentDigest: header('content-digest'),
        authorization: header('authorization'),
      };
      await verifyRequest(message, parsed, (base, signature) =>
        globalThis.crypto.subtle.verify(algorithm, imported, Uint8Array.from(signature), Uint8Array.from(base)),
      );
      await checkContentDigest(crypto, header('content-digest'), body);
      this.#checkToken(header('authorization'), parsed.params.keyid);
      return { signatureText: parsed.signatureText, nonce: parsed.params.nonce };
    } catch (error) {
      if (error instanceof Refused) throw error;
      throw new Refused(401, 'agent-signature', error);
    }
  }

  /** Claims only: that tokens are signed is tested where they are made. */
  #checkToken(authorization: string, thumbprint: string): void {
    const [, payload = ''] = authorization.replace('Bearer ', '').split('.');
    const { aud, exp } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { aud: string[]; exp: number };
    const expected = [this.url, `urn:ietf:params:oauth:jwk-thumbprint:sha-256:${thumbprint}`];
    if (aud.join() !== expected.join() || exp * 1000 < this.now) throw new Refused(401, 'agent-token');
  }

  async #answer(kind: Kind, body: Uint8Array, nonce: string, signature: string): Promise<Answer> {
    if (kind === 'trust') {
      decodeTrustRequest(body);
      return this.signed(200, this.trustDocument(), signature);
    }
    if (bootOf(nonce) !== this.boot || this.nonces.has(nonce)) {
      return this.signed(409, { ...problem(409, 'again'), boot: this.boot, time: this.now }, signature);
    }
    this.nonces.add(nonce);
    if (!this.enabled) return this.signed(403, problem(403, 'cluster-disabled'), signature);
    const value = kind === 'issue' ? await this.#issue(decodeBatchRequest(body)) : this.#serve(body);
    const { status = 200, ...said } = this.shape(kind, value) as { status?: number };
    return this.signed(status, status === 200 ? said : { ...said, status }, signature);
  }

  async #issue(batch: BatchRequest): Promise<object> {
    this.batches.push(batch);
    for (const { tokenHash, token } of batch.callers) {
      if (token === undefined) continue;
      const opened = await openToken(token, { kid: this.evidence.kid, privateJwk: this.evidence.privateJwk });
      this.openedTokens.push(opened);
      if (createHash('sha256').update(opened).digest('base64url') === tokenHash) this.knownTokens.add(tokenHash);
    }
    return { ...this.#said(), items: batch.items.map((item) => this.#item(item, batch)) };
  }

  #item(item: Item, batch: BatchRequest): ItemAnswer {
    const verdict = this.verdict(item, batch);
    if (verdict !== null) return verdict;
    if (!this.knownTokens.has(batch.callers[item.caller]?.tokenHash ?? ''))
      return { id: item.id, status: 'token-needed' };
    const { spki } = parseCsr(Uint8Array.from(Buffer.from(item.csr, 'base64')));
    const wish = { profile: 'svid', uri: item.identity, spki, lifeMs: this.ttl * 1000, now: this.now } as const;
    return { id: item.id, status: 'issued', certificate: base64(makeLeaf(this.svid, wish)), issuer: this.svid.id };
  }

  #serve(body: Uint8Array): object {
    const request = decodeServingRequest(body);
    const { spki } = parseCsr(Uint8Array.from(Buffer.from(request.csr, 'base64')));
    const wish = {
      profile: 'serving',
      dnsNames: this.servingNames,
      spki,
      lifeMs: this.ttl * 1000,
      now: this.now,
    } as const;
    return {
      ...this.#said(),
      id: request.id,
      certificate: base64(makeLeaf(this.serving, wish)),
      issuer: this.serving.id,
      dnsNames: this.servingNames,
    };
  }

  #said(): object {
    return { version: 1, time: this.now, epoch: this.epoch, bundleVersion: this.bundleVersion, boot: this.boot };
  }
}

class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, cause?: unknown) {
    super(code, { cause });
    this.status = status;
    this.code = code;
  }
}

export function problem(status: number, code: string): Problem {
  return { type: problemType(code), title: code, status, code };
}

function unsignedProblem(error: unknown): Problem {
  return error instanceof Refused ? problem(error.status, error.code) : problem(500, 'internal');
}

function newBoot(): string {
  return randomBytes(6).toString('base64url');
}

function evidenceKey() {
  const {
    x = '',
    y = '',
    d = '',
  } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const jwk = { kty: 'EC', crv: 'P-256', x, y } as const;
  return { kid: `evidence-${randomBytes(4).toString('hex')}`, jwk, privateJwk: { ...jwk, d } };
}

const keys = new WeakMap<Uint8Array, KeyObject>();

function privateKey(pkcs8: Uint8Array): KeyObject {
  let key = keys.get(pkcs8);
  if (key === undefined)
    keys.set(pkcs8, (key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })));
  return key;
}

function keyIdOf(spki: Uint8Array): string {
  const x = Buffer.from(spki.subarray(27, 59)).toString('base64url');
  const y = Buffer.from(spki.subarray(59)).toString('base64url');
  return createHash('sha256').update(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`).digest('base64url');
}

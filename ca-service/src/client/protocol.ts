import { utf8 } from '../../../pki/src/bytes.ts';
import { array, boolean, decodeJson, integer, literal, object, type Read, refine, text, variants } from './codec.ts';

/*
 * The bodies between agent and CA, version 1. A change of any of them is a new version: an unknown member, a missing
 * one, or one of another form is refused. Times are ms since 1970 unless their name or comment says otherwise.
 */

const PROTOCOL_VERSION = 1;

/** The hard limit of the wire; the agent's working size is 32. */
export const MAX_ITEMS = 64;
/** Bytes. A batch of 64 RSA-4096 CSRs, each with a sealed token of its own, has about 400 KiB. */
export const MAX_BATCH_BYTES = 1_048_576;
export const MAX_SERVING_BYTES = 16_384;
export const MAX_TRUST_REQUEST_BYTES = 256;
export const MAX_ANSWER_BYTES = 1_048_576;

export interface CallerPod {
  namespace: string;
  name: string;
  uid: string;
  serviceAccount: string;
}

export interface Caller {
  /** base64url SHA-256 of the raw JWT */
  tokenHash: string;
  /** JWE compact, the JWT inside; only while the edge does not know the hash. */
  token?: string;
  pod: CallerPod;
  node: string;
}

export interface Item {
  /** The request id of the agent's log, of the CA's log and of the ledger. */
  id: string;
  /** Index into `callers`. */
  caller: number;
  /** SPIFFE ID to be certified */
  identity: string;
  /** base64 DER */
  csr: string;
  /** s, as the client asked; zero or less means the default */
  ttl: number;
  /** When the agent received the request, by the CA's clock as the agent knows it. */
  receivedAt: number;
  /** The pod asked for, on the caller's node; only for impersonation. */
  target?: { name: string; uid: string };
}

export interface BatchRequest {
  version: 1;
  /** Of the bundle that the agent hands out now; 0 when it has none. */
  bundleVersion: number;
  callers: Caller[];
  items: Item[];
}

export const REFUSAL_CODES = [
  'csr-invalid',
  'possession',
  'token-invalid',
  'token-expired',
  'identity-mismatch',
  'node-mismatch',
  'namespace-not-enrolled',
  'caller-not-trusted',
  'policy',
  'revoked',
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

export type ItemAnswer =
  | { id: string; status: 'issued'; /** base64 DER */ certificate: string; /** intermediate */ issuer: string }
  | { id: string; status: 'refused'; code: RefusalCode; /** for logs, never for a mesh client */ reason: string }
  | { id: string; status: 'wait'; retryAfterMs: number }
  | { id: string; status: 'token-needed' };

export interface BatchAnswer {
  version: 1;
  time: number;
  epoch: number;
  bundleVersion: number;
  boot: string;
  /** One per item, in the same order. */
  items: ItemAnswer[];
}

export interface ServingRequest {
  version: 1;
  /** request id, as of an item */
  id: string;
  bundleVersion: number;
  /** base64 DER */
  csr: string;
  receivedAt: number;
}

export interface ServingAnswer {
  version: 1;
  time: number;
  epoch: number;
  bundleVersion: number;
  boot: string;
  id: string;
  /** base64 DER */
  certificate: string;
  /** id of the serving intermediate */
  issuer: string;
  /** The names in the certificate: those of the enrolment. */
  dnsNames: string[];
}

export interface TrustRequest {
  version: 1;
}

export interface TrustIntermediate {
  id: string;
  purpose: 'svid' | 'serving';
  /** base64 DER */
  certificate: string;
  /** Whether it signs now. */
  current: boolean;
}

export interface TrustDocument {
  version: 1;
  time: number;
  boot: string;
  trustDomain: string;
  cluster: string;
  clusterId: string;
  epoch: number;
  bundleVersion: number;
  enabled: boolean;
  /** base64 DER, active first */
  roots: string[];
  crossCertificates: string[];
  intermediates: TrustIntermediate[];
  answerKey: { certificate: string; issuer: string };
  evidenceKey: { kid: string; jwk: { kty: 'EC'; crv: 'P-256'; x: string; y: string } };
  servingNames: string[];
  /** s */
  ttl: { floor: number; default: number; maximum: number };
}

const hash = text(43, /^[A-Za-z0-9_-]{43}$/);
const id = text(64, /^[A-Za-z0-9._-]+$/);
const label = text(63, /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/);
const subdomain = text(253, /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/);
const uid = text(64, /^[A-Za-z0-9-]+$/);
const der = (maximum: number) => text(maximum, /^(?=.)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);
const csr = der(8_192);
const certificate = der(16_384);
const jwe = text(16_384, /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/);
const spiffeId = text(2_048, /^spiffe:\/\/[\x21-\x7e]+$/);
const boot = text(8, /^[A-Za-z0-9_-]{8}$/);
const name = text(253, /^[\x21-\x7e]+$/);
const time = integer(0);
const version = literal(PROTOCOL_VERSION);

const batchRequest: Read<BatchRequest> = refine(
  object<BatchRequest>({
    version,
    bundleVersion: integer(0),
    callers: array(
      object<Caller>(
        {
          tokenHash: hash,
          token: jwe,
          pod: object<CallerPod>({ namespace: label, name: subdomain, uid, serviceAccount: subdomain }),
          node: subdomain,
        },
        ['token'],
      ),
      { minimum: 1, maximum: MAX_ITEMS },
    ),
    items: array(
      object<Item>(
        {
          id,
          caller: integer(0, MAX_ITEMS - 1),
          identity: spiffeId,
          csr,
          ttl: integer(),
          receivedAt: time,
          target: object<{ name: string; uid: string }>({ name: subdomain, uid }),
        },
        ['target'],
      ),
      { minimum: 1, maximum: MAX_ITEMS },
    ),
  }),
  ({ callers, items }) => {
    if (new Set(items.map((item) => item.id)).size !== items.length) return 'uses an item id twice';
    const used = new Set(items.map((item) => item.caller));
    if (items.some((item) => item.caller >= callers.length)) return 'has an item without a caller';
    return used.size === callers.length ? null : 'has a caller without an item';
  },
);

const batchAnswer: Read<BatchAnswer> = object<BatchAnswer>({
  version,
  time,
  epoch: time,
  bundleVersion: time,
  boot,
  items: array(
    variants<ItemAnswer>('status', {
      issued: object<Extract<ItemAnswer, { status: 'issued' }>>({
        id,
        status: literal('issued'),
        certificate,
        issuer: id,
      }),
      refused: object<Extract<ItemAnswer, { status: 'refused' }>>({
        id,
        status: literal('refused'),
        code: literal(...REFUSAL_CODES),
        reason: text(2_048, /^\P{Cc}*$/u),
      }),
      wait: object<Extract<ItemAnswer, { status: 'wait' }>>({
        id,
        status: literal('wait'),
        retryAfterMs: integer(0, 3_600_000),
      }),
      'token-needed': object<Extract<ItemAnswer, { status: 'token-needed' }>>({ id, status: literal('token-needed') }),
    }),
    { minimum: 1, maximum: MAX_ITEMS },
  ),
});

const servingRequest: Read<ServingRequest> = object<ServingRequest>({
  version,
  id,
  bundleVersion: time,
  csr,
  receivedAt: time,
});

const servingAnswer: Read<ServingAnswer> = object<ServingAnswer>({
  version,
  time,
  epoch: time,
  bundleVersion: time,
  boot,
  id,
  certificate,
  issuer: id,
  dnsNames: array(name, { minimum: 1, maximum: 64 }),
});

const trustRequest: Read<TrustRequest> = object<TrustRequest>({ version });

const trustDocument: Read<TrustDocument> = object<TrustDocument>({
  version,
  time,
  boot,
  trustDomain: name,
  cluster: name,
  clusterId: name,
  epoch: time,
  bundleVersion: time,
  enabled: boolean,
  roots: array(certificate, { minimum: 1, maximum: 16 }),
  crossCertificates: array(certificate, { maximum: 32 }),
  intermediates: array(
    object<TrustIntermediate>({ id, purpose: literal('svid', 'serving'), certificate, current: boolean }),
    { minimum: 1, maximum: 64 },
  ),
  answerKey: object<TrustDocument['answerKey']>({ certificate, issuer: id }),
  evidenceKey: object<TrustDocument['evidenceKey']>({
    kid: text(64, /^[A-Za-z0-9._-]+$/),
    jwk: object<TrustDocument['evidenceKey']['jwk']>({ kty: literal('EC'), crv: literal('P-256'), x: hash, y: hash }),
  }),
  servingNames: array(name, { maximum: 64 }),
  ttl: object<TrustDocument['ttl']>({ floor: integer(1), default: integer(1), maximum: integer(1) }),
});

const encode = (value: object): Uint8Array => utf8(JSON.stringify(value));

/** Encoders trust their argument's type; decoders trust nothing and throw WireError. */
export const encodeBatchRequest: (value: BatchRequest) => Uint8Array = encode;
export const encodeBatchAnswer: (value: BatchAnswer) => Uint8Array = encode;
export const encodeServingRequest: (value: ServingRequest) => Uint8Array = encode;
export const encodeServingAnswer: (value: ServingAnswer) => Uint8Array = encode;
export const encodeTrustRequest: (value: TrustRequest) => Uint8Array = encode;
export const encodeTrustDocument: (value: TrustDocument) => Uint8Array = encode;

export const decodeBatchRequest = (body: Uint8Array): BatchRequest => decodeJson(body, MAX_BATCH_BYTES, batchRequest);
export const decodeBatchAnswer = (body: Uint8Array): BatchAnswer => decodeJson(body, MAX_ANSWER_BYTES, batchAnswer);
export const decodeServingRequest = (body: Uint8Array): ServingRequest =>
  decodeJson(body, MAX_SERVING_BYTES, servingRequest);
export const decodeServingAnswer = (body: Uint8Array): ServingAnswer =>
  decodeJson(body, MAX_ANSWER_BYTES, servingAnswer);
export const decodeTrustRequest = (body: Uint8Array): TrustRequest =>
  decodeJson(body, MAX_TRUST_REQUEST_BYTES, trustRequest);
export const decodeTrustDocument = (body: Uint8Array): TrustDocument =>
  decodeJson(body, MAX_ANSWER_BYTES, trustDocument);

/** Paths of an agent's calls, below the CA's URL. Names are legal in a path as they are. */
export function clusterPath(trustDomain: string, cluster: string): string {
  return `/v1/trust-domains/${trustDomain}/clusters/${cluster}`;
}
export const AGENT_PATHS = {
  certificates: 'certificates',
  serving: 'serving-certificates',
  trust: 'trust',
} as const;

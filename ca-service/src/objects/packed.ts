import type { RefusalCode } from '../client/protocol.ts';
import type { EvidenceLevel } from './rpc.ts';

/**
 * One buffer each way between Worker and object: an RPC with objects costs more than the whole decision. Layout, both
 * ways: u32be length of a JSON header, the header, then raw bytes (public keys one way, the body the other).
 * Both ends are the same deployment, so the format may change with it and carries no version.
 */

/** Facts of the agent's request that the Worker verified: signature, digest, token and its key. */
export interface RequestFacts {
  /** of the ConfigSnapshot that the Worker verified by */
  epoch: number;
  /** base64 between the colons of the request's `signature` header; the answer is bound to it */
  requestSignature: string;
  /** `<boot>.<random>` as signed */
  nonce: string;
  /** s since 1970, as signed */
  created: number;
  agent: {
    /** `namespace/service-account` */
    account: string;
    podName: string;
    podUid: string;
    node: string;
    /** RFC 7638 thumbprint of the agent's key */
    keyThumbprint: string;
  };
}

export interface PackedCaller {
  podUid: string;
  podName: string;
  namespace: string;
  serviceAccount: string;
  node: string;
}

/** What the Worker found on its own, passed through in its place. */
type WorkerVerdict =
  | { id: string; status: 'refused'; code: RefusalCode; reason: string }
  | { id: string; status: 'wait'; retryAfterMs: number }
  | { id: string; status: 'token-needed' };

/** A possession-proven CSR of a caller whose token verified, for an identity that caller may have. */
export interface VerifiedItem {
  id: string;
  status: 'verified';
  /** index into `callers` */
  caller: number;
  /** the SPIFFE ID */
  identity: string;
  namespace: string;
  serviceAccount: string;
  /** SubjectPublicKeyInfo as in the CSR */
  spki: Uint8Array;
  /** s, as asked; zero or less means the default */
  ttl: number;
  level: EvidenceLevel;
  /** ms since 1970 */
  receivedAt: number;
  /** the impersonated pod */
  target?: { name: string; uid: string };
}

export type PackedItem = WorkerVerdict | VerifiedItem;

export interface IssueRequest extends RequestFacts {
  /** of the bundle that the agent hands out now */
  bundleVersion: number;
  callers: PackedCaller[];
  items: PackedItem[];
}

export interface ServingRequest extends RequestFacts {
  /** request id */
  id: string;
  /** of the bundle that the agent hands out now */
  bundleVersion: number;
  /** SubjectPublicKeyInfo of the CSR, possession proven */
  spki: Uint8Array;
  /** ms since 1970 */
  receivedAt: number;
}

export interface AnswerHeader {
  status: number;
  headers: Record<string, string>;
}

export function encodeIssueRequest(request: IssueRequest): Uint8Array {
  const keys: Uint8Array[] = [];
  const items = request.items.map((item) => {
    if (item.status !== 'verified') return item;
    keys.push(item.spki);
    return { ...item, spki: item.spki.length };
  });
  return join({ ...request, items }, keys);
}

export function decodeIssueRequest(packed: Uint8Array): IssueRequest {
  const { header, tail } = split(packed);
  const request = header as IssueRequest & { items: (PackedItem & { spki?: unknown })[] };
  let at = 0;
  for (const item of request.items) {
    if (item.status !== 'verified') continue;
    const length = item.spki as unknown as number;
    item.spki = tail.subarray(at, at + length);
    at += length;
  }
  return request;
}

export function encodeServingRequest({ spki, ...facts }: ServingRequest): Uint8Array {
  return join(facts, [spki]);
}

export function decodeServingRequest(packed: Uint8Array): ServingRequest {
  const { header, tail } = split(packed);
  return { ...(header as Omit<ServingRequest, 'spki'>), spki: tail };
}

export function encodeAnswer(header: AnswerHeader, body: Uint8Array): Uint8Array {
  return join(header, [body]);
}

export function decodeAnswer(packed: Uint8Array): AnswerHeader & { body: Uint8Array } {
  const { header, tail } = split(packed);
  return { ...(header as AnswerHeader), body: tail };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function join(header: unknown, parts: readonly Uint8Array[]): Uint8Array {
  const json = encoder.encode(JSON.stringify(header));
  const packed = new Uint8Array(4 + json.length + parts.reduce((sum, part) => sum + part.length, 0));
  new DataView(packed.buffer).setUint32(0, json.length);
  packed.set(json, 4);
  let at = 4 + json.length;
  for (const part of parts) {
    packed.set(part, at);
    at += part.length;
  }
  return packed;
}

function split(packed: Uint8Array): { header: unknown; tail: Uint8Array } {
  const length = new DataView(packed.buffer, packed.byteOffset, packed.byteLength).getUint32(0);
  const header: unknown = JSON.parse(decoder.decode(packed.subarray(4, 4 + length)));
  return { header, tail: packed.subarray(4 + length) };
}

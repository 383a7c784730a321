import { formatNonce } from '../../../ca-service/src/client/message_signature.ts';
import {
  decodeAnswer,
  encodeIssueRequest,
  encodeServingRequest,
  type IssueRequest,
  type ServingRequest,
  type VerifiedItem,
} from '../../../ca-service/src/objects/packed.ts';
import type { ConfigSnapshot, PackedAnswer } from '../../../ca-service/src/objects/rpc.ts';
import { uniqueName, valueOf } from './deployment.ts';

/** What the Worker hands to the issuer, as if it had verified a request of an agent for these items. */
export async function issueRequest(
  snapshot: ConfigSnapshot,
  items: readonly Partial<VerifiedItem>[] = [{}],
  change: Partial<IssueRequest> = {},
): Promise<IssueRequest> {
  return {
    ...facts(snapshot),
    bundleVersion: 0,
    callers: [caller()],
    items: await Promise.all(items.map((item) => verifiedItem(snapshot, item))),
    ...change,
  };
}

export function servingRequest(snapshot: ConfigSnapshot, spki: Uint8Array): ServingRequest {
  return { ...facts(snapshot), id: uniqueName('serving'), bundleVersion: 0, spki, receivedAt: Date.now() };
}

export function caller(podUid = '2f8e0f3a-6d6e-4c1e-9d0a-0d5c1b7a9e11'): IssueRequest['callers'][number] {
  return { podUid, podName: 'productpage-1', namespace: 'bookinfo', serviceAccount: 'productpage', node: 'node-a' };
}

async function verifiedItem(snapshot: ConfigSnapshot, change: Partial<VerifiedItem> = {}): Promise<VerifiedItem> {
  const { namespace = 'bookinfo', serviceAccount = 'productpage' } = change;
  return {
    id: uniqueName('request'),
    status: 'verified',
    caller: 0,
    identity: `spiffe://${snapshot.trustDomain}/ns/${namespace}/sa/${serviceAccount}`,
    namespace,
    serviceAccount,
    spki: await publicKey(),
    ttl: 86_400,
    level: 'token',
    receivedAt: Date.now(),
    ...change,
  };
}

/** SubjectPublicKeyInfo of a fresh key. */
export async function publicKey(namedCurve: 'P-256' | 'P-384' = 'P-256'): Promise<Uint8Array> {
  const pair = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve }, true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  return new Uint8Array((await crypto.subtle.exportKey('spki', pair.publicKey)) as ArrayBuffer);
}

export interface DecodedAnswer {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array;
  json: Record<string, unknown>;
}

export function decoded(answer: PackedAnswer): DecodedAnswer {
  const { status, headers, body } = decodeAnswer(valueOf(answer));
  return { status, headers, body, json: JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown> };
}

export const pack = encodeIssueRequest;
export const packServing = encodeServingRequest;

function facts(snapshot: ConfigSnapshot): Omit<IssueRequest, 'bundleVersion' | 'callers' | 'items'> {
  return {
    epoch: snapshot.epoch,
    requestSignature: btoa(String.fromCodePoint(...crypto.getRandomValues(new Uint8Array(64)))),
    nonce: formatNonce(snapshot.boot, crypto.getRandomValues(new Uint8Array(16))),
    created: Math.floor(Date.now() / 1000),
    agent: {
      account: snapshot.agentAccount,
      podName: 'csr-agent-1',
      podUid: '7a0a6c64-3f2e-4a3e-8f38-3a4f6e0f2c55',
      node: 'node-a',
      keyThumbprint: 'k'.repeat(43),
    },
  };
}

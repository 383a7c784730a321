import type { Problem } from '../client/problem.ts';
import { PROBLEM_TYPE } from '../client/problem.ts';
import { contentDigest } from '../client/content_digest.ts';
import { signAnswer } from '../client/message_signature.ts';
import { utf8 } from '../../../pki/src/bytes.ts';
import { encodeAnswer } from '../objects/packed.ts';
import type { AnswerKey } from './key_store.ts';
import { sha256 } from './jwk.ts';

export interface AnswerBody {
  status: number;
  contentType: string;
  body: Uint8Array;
}

/** Signs an answer over its status, its body and the request's signature, and packs it: the Worker passes it on as it is. */
export async function sealAnswer(
  key: AnswerKey,
  requestSignature: string,
  { status, contentType, body }: AnswerBody,
  now: number,
): Promise<Uint8Array> {
  const digest = await contentDigest({ sha256 }, body);
  const signed = await signAnswer(
    { status, contentDigest: digest, requestSignature },
    { created: Math.floor(now / 1000), keyid: key.keyid },
    async (base) => new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, base)),
  );
  const headers = {
    'content-type': contentType,
    'cache-control': 'no-store',
    'content-digest': digest,
    'signature-input': signed['signature-input'],
    signature: signed.signature,
  };
  return encodeAnswer({ status, headers }, body);
}

export function jsonBody(status: number, body: Uint8Array): AnswerBody {
  return { status, contentType: 'application/json', body };
}

export function problemBody(problem: Problem): AnswerBody {
  return { status: problem.status, contentType: PROBLEM_TYPE, body: utf8(JSON.stringify(problem)) };
}

import { toBase64 } from '../../../pki/src/bytes.ts';
import type { CryptoPort } from '../../../pki/src/crypto/port.ts';
import { WireError } from './wire_error.ts';

const FORM = /^sha-256=:[A-Za-z0-9+/]{43}=:$/;

/** `content-digest` of a body (RFC 9530 §2), SHA-256 only. */
export async function contentDigest(crypto: Pick<CryptoPort, 'sha256'>, body: Uint8Array): Promise<string> {
  return `sha-256=:${toBase64(await crypto.sha256(body))}:`;
}

/** Throws `digest-malformed` for any other spelling, a second digest included, and `digest-mismatch` for another body. */
export async function checkContentDigest(
  crypto: Pick<CryptoPort, 'sha256'>,
  header: string | null,
  body: Uint8Array,
): Promise<void> {
  if (header === null || !FORM.test(header)) {
    throw new WireError('digest-malformed', 'content-digest is not exactly one sha-256 digest');
  }
  if (header !== (await contentDigest(crypto, body))) {
    throw new WireError('digest-mismatch', 'the body is not the one its content-digest states');
  }
}

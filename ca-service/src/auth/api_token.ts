import { toBase64Url, toHex, utf8 } from '../../../pki/src/bytes.ts';
import type { CryptoPort } from '../../../pki/src/crypto/port.ts';

/**
 * An API token is `aca_<id>_<secret>`: the prefix for secret scanners, the id as the audit names it, 256 random bits. The
 * CA stores its SHA-256 only; a hash made for slow guessing would add nothing to so much randomness.
 */
const FORM = /^aca_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/;

export interface NewApiToken {
  id: string;
  token: string;
  /** base64url SHA-256 */
  hash: string;
}

export async function newApiToken(crypto: Pick<CryptoPort, 'sha256' | 'random'>): Promise<NewApiToken> {
  const id = toHex(crypto.random(8));
  const token = `aca_${id}_${toBase64Url(crypto.random(32))}`;
  return { id, token, hash: await hashApiToken(crypto, token) };
}

export function isApiToken(text: string): boolean {
  return FORM.test(text);
}

/** base64url SHA-256: what objects know a token by. */
export async function hashApiToken(crypto: Pick<CryptoPort, 'sha256'>, token: string): Promise<string> {
  return toBase64Url(await crypto.sha256(utf8(token)));
}

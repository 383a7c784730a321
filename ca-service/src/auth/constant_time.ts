import type { CryptoPort } from '../../../pki/src/crypto/port.ts';
import { utf8 } from '../../../pki/src/bytes.ts';

/** Whether two secrets are equal, in a time that tells nothing of either: their digests are compared, every byte of them. */
export async function secretsEqual(crypto: Pick<CryptoPort, 'sha256'>, a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([crypto.sha256(utf8(a)), crypto.sha256(utf8(b))]);
  let difference = left.length ^ right.length;
  for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0);
  return difference === 0;
}

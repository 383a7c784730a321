import { DerReader } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';

/** Leftmost 160 bits of the SHA-256 of the public key's bits (RFC 7093 §2, method 1). */
export async function keyIdentifier(spki: Uint8Array): Promise<Uint8Array> {
  const info = DerReader.of(spki).enter(TAG.sequence);
  info.element(TAG.sequence);
  const bits = info.octetAlignedBits();
  const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from(bits));
  return new Uint8Array(digest).slice(0, 20);
}

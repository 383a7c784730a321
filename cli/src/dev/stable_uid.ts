import { createHash } from 'node:crypto';

/** A UUID (version 8: made our own way, RFC 9562 §5.8) that is the same for the same name on every start. */
export function stableUid(name: string): string {
  const bytes = createHash('sha256').update(`ambient-ca dev ${name}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

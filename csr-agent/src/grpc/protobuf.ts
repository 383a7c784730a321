/** The little of protobuf's wire format that the Istio CA API needs, read strictly. https://protobuf.dev/programming-guides/encoding/ */

export class ProtobufError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProtobufError';
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** null for a fixed-size number, which no field that we know is. */
export type FieldValue = bigint | Uint8Array | null;
/** Answers whether the field is known; an unknown one is skipped, as proto3 says. A known one may come once. */
export type FieldHandler = (field: number, value: FieldValue) => boolean;

/** @throws ProtobufError on anything truncated, oversized, deprecated (groups) or repeated that is singular */
export function readMessage(bytes: Uint8Array, handle: FieldHandler, repeated?: number): void {
  const reader = { bytes, at: 0 };
  const seen = new Set<number>();
  while (reader.at < bytes.length) {
    const key = varint(reader);
    const field = Number(key >> 3n);
    const value = readValue(reader, Number(key & 7n));
    if (field < 1 || field > 536_870_911) throw new ProtobufError('field number out of range');
    if (!handle(field, value) || field === repeated) continue;
    if (seen.has(field)) throw new ProtobufError(`field ${field} twice`);
    seen.add(field);
  }
}

function readValue(reader: { bytes: Uint8Array; at: number }, wireType: number): FieldValue {
  if (wireType === 0) return varint(reader);
  const length = wireType === 1 ? 8 : wireType === 5 ? 4 : wireType === 2 ? Number(varint(reader)) : -1;
  if (length < 0) throw new ProtobufError(`wire type ${wireType}`);
  if (length > reader.bytes.length - reader.at) throw new ProtobufError('field that ends after its message');
  reader.at += length;
  return wireType === 2 ? reader.bytes.subarray(reader.at - length, reader.at) : null;
}

function varint(reader: { bytes: Uint8Array; at: number }): bigint {
  const first = reader.bytes[reader.at];
  if (first !== undefined && first < 0x80) {
    reader.at++;
    return BigInt(first);
  }
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) throw new ProtobufError('varint that is cut off');
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  throw new ProtobufError('varint of more than ten octets');
}

export function asText(value: FieldValue): string {
  if (!(value instanceof Uint8Array)) throw new ProtobufError('number where text is expected');
  try {
    return decoder.decode(value);
  } catch {
    throw new ProtobufError('text that is not UTF-8');
  }
}

export function asBytes(value: FieldValue): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new ProtobufError('number where a message is expected');
  return value;
}

/** int64, as a number; one beyond 2^53 becomes the nearest that a number can hold. */
export function asInt64(value: FieldValue): number {
  if (typeof value !== 'bigint') throw new ProtobufError('another kind of value where an int64 is expected');
  return Number(BigInt.asIntN(64, value));
}

/** A length-delimited field, as the parts to be joined. */
export function lengthDelimited(field: number, content: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const head: number[] = [(field << 3) | 2];
  let length = content.length;
  for (; length > 0x7f; length >>>= 7) head.push((length & 0x7f) | 0x80);
  head.push(length);
  return [Uint8Array.from(head), content];
}

/**
 * `istio.v1.auth` messages as prost (ztunnel) and protobuf-go (pilot-agent) write them:
 * IstioCertificateRequest { csr = 1; validity_duration = 3; metadata = 4 } and IstioCertificateResponse { repeated cert_chain = 1 }.
 */
export interface CertificateRequest {
  csr: string;
  /** Seconds; zero is not on the wire (proto3). */
  validityDuration: number;
  /** google.protobuf.Struct of strings; `undefined` is an absent message, `{}` an empty one. */
  metadata?: Readonly<Record<string, string>> | undefined;
}

export interface Field {
  number: number;
  value: bigint | Uint8Array;
}

export function varint(value: bigint | number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

export function bytesField(number: number, body: Uint8Array | string): Buffer {
  const raw = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
  return Buffer.concat([varint(number * 8 + 2), varint(raw.length), raw]);
}

/** Struct.fields is map<string, Value>; Value.string_value (3) is a oneof member, so an empty string is written, too. */
function structMessage(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(fields).map(([key, value]) =>
      bytesField(1, Buffer.concat([bytesField(1, key), bytesField(2, bytesField(3, value))])),
    ),
  );
}

export function encodeRequest(request: CertificateRequest): Buffer {
  const parts: Uint8Array[] = [bytesField(1, request.csr)];
  if (request.validityDuration !== 0) parts.push(varint(3 * 8), varint(request.validityDuration));
  if (request.metadata !== undefined) parts.push(bytesField(4, structMessage(request.metadata)));
  return Buffer.concat(parts);
}

export const encodeResponse = (chain: readonly string[]): Buffer =>
  Buffer.concat(chain.map((pem) => bytesField(1, pem)));

/** @throws Error on a truncated message or a wire type other than varint and length-delimited. */
export function decodeFields(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const next = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw new Error('truncated varint');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new Error('varint longer than ten bytes');
  };
  while (at < message.length) {
    const tag = Number(next());
    if (tag % 8 === 0) fields.push({ number: tag >> 3, value: next() });
    else if (tag % 8 === 2) {
      const size = Number(next());
      if (size < 0 || at + size > message.length) throw new Error('truncated field');
      fields.push({ number: tag >> 3, value: message.subarray(at, at + size) });
      at += size;
    } else throw new Error(`wire type ${tag % 8}`);
  }
  return fields;
}

const utf8 = (value: bigint | Uint8Array): string =>
  typeof value === 'bigint' ? '' : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
const nested = (fields: Field[], number: number): Uint8Array => {
  const found = fields.find((field) => field.number === number)?.value;
  return found instanceof Uint8Array ? found : new Uint8Array();
};

export function decodeResponse(message: Uint8Array): string[] {
  return decodeFields(message)
    .filter((field) => field.number === 1)
    .map((field) => utf8(field.value));
}

export function decodeRequest(message: Uint8Array): CertificateRequest {
  const request: CertificateRequest = { csr: '', validityDuration: 0 };
  for (const { number, value } of decodeFields(message)) {
    if (number === 1) request.csr = utf8(value);
    if (number === 3 && typeof value === 'bigint') request.validityDuration = Number(value);
    if (number === 4 && value instanceof Uint8Array) {
      const entries = decodeFields(value).map((entry) => decodeFields(entry.value as Uint8Array));
      request.metadata = Object.fromEntries(
        entries.map((entry) => [utf8(nested(entry, 1)), utf8(nested(decodeFields(nested(entry, 2)), 3))]),
      );
    }
  }
  return request;
}

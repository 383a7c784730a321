/**
 * The two messages of `istio.v1.auth.IstioCertificateService/CreateCertificate`, in protobuf's wire form. Written by hand,
 * because they are four fields and a demonstration client needs no schema at run time.
 */

export const CREATE_CERTIFICATE = '/istio.v1.auth.IstioCertificateService/CreateCertificate';

export interface CertificateRequest {
  /** PEM */
  csr: string;
  validitySeconds: number;
  /** Sent by a ztunnel that asks for a pod on its node; null as a workload itself. */
  impersonatedIdentity: string | null;
}

/** csr = 1, validity_duration = 3, metadata = 4 (google.protobuf.Struct). */
export function encodeRequest({ csr, validitySeconds, impersonatedIdentity }: CertificateRequest): Buffer {
  const parts = [lengthDelimited(1, Buffer.from(csr)), Buffer.from([3 << 3]), varint(validitySeconds)];
  if (impersonatedIdentity !== null) {
    // Struct.fields = 1 is a map: entries of key = 1 and value = 2; Value.string_value = 3.
    const value = lengthDelimited(3, Buffer.from(impersonatedIdentity));
    const entry = [lengthDelimited(1, Buffer.from('ImpersonatedIdentity')), lengthDelimited(2, value)];
    parts.push(lengthDelimited(4, lengthDelimited(1, Buffer.concat(entry))));
  }
  return Buffer.concat(parts);
}

/** cert_chain = 1, repeated. @throws Error for anything else */
export function decodeResponse(bytes: Buffer): string[] {
  const chain: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] !== ((1 << 3) | 2)) throw new Error('an unexpected field in the answer');
    const [length, start] = readVarint(bytes, at + 1);
    if (start + length > bytes.length) throw new Error('the answer is cut off');
    chain.push(bytes.toString('utf8', start, start + length));
    at = start + length;
  }
  return chain;
}

function lengthDelimited(field: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2]), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...bytes, rest]);
}

function readVarint(bytes: Buffer, from: number): [value: number, next: number] {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[from + i];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return [value, from + i + 1];
  }
  throw new Error('the answer is cut off');
}

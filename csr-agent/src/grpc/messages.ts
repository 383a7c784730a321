import { ProtobufError, asBytes, asInt64, asText, lengthDelimited, readMessage } from './protobuf.ts';

/** `istio.v1.auth.IstioCertificateRequest` (istio.io/api/security/v1alpha1/ca.proto). */
interface CertificateRequest {
  /** PEM */
  readonly csr: string;
  /** Seconds. */
  readonly validityDuration: number;
  /** From the metadata Struct; null when it is absent or empty. */
  readonly impersonatedIdentity: string | null;
}

/** A request that cannot be read is a value, so that the handler chooses the status: grpc-js would answer Internal. */
export type DecodedRequest =
  { readonly ok: true; readonly value: CertificateRequest } | { readonly ok: false; readonly reason: string };

const FIELD = { csr: 1, validityDuration: 3, metadata: 4 } as const;

export function decodeRequest(bytes: Uint8Array): DecodedRequest {
  let csr = '';
  let validityDuration = 0;
  let metadata = new Map<string, string>();
  try {
    readMessage(bytes, (field, value) => {
      if (field === FIELD.csr) csr = asText(value);
      else if (field === FIELD.validityDuration) validityDuration = asInt64(value);
      else if (field === FIELD.metadata) metadata = readStruct(asBytes(value));
      else return false;
      return true;
    });
    const impersonated = metadata.get('ImpersonatedIdentity') ?? '';
    checkMetadata(metadata);
    return {
      ok: true,
      value: { csr, validityDuration, impersonatedIdentity: impersonated === '' ? null : impersonated },
    };
  } catch (error) {
    if (error instanceof ProtobufError) return { ok: false, reason: error.message };
    throw error;
  }
}

/** pilot-agent always sends an empty CertSigner; one that is set would ask for a signer that does not exist here. */
function checkMetadata(metadata: ReadonlyMap<string, string>): void {
  for (const [key, value] of metadata) {
    if (key === 'ImpersonatedIdentity') continue;
    if (key !== 'CertSigner') throw new ProtobufError(`metadata ${JSON.stringify(key.slice(0, 64))} is not known`);
    if (value !== '') throw new ProtobufError('metadata CertSigner is set, and this CA has one signer');
  }
}

/** `google.protobuf.Struct` of which every value is a string. */
function readStruct(bytes: Uint8Array): Map<string, string> {
  const members = new Map<string, string>();
  readMessage(
    bytes,
    (field, entry) => {
      if (field !== 1) return false;
      let key = '';
      let text: string | null = null;
      readMessage(asBytes(entry), (part, value) => {
        if (part === 1) key = asText(value);
        else if (part === 2) text = readStringValue(asBytes(value));
        else return false;
        return true;
      });
      if (text === null || members.has(key))
        throw new ProtobufError('metadata with a member that is repeated or not text');
      members.set(key, text);
      return true;
    },
    1,
  );
  return members;
}

/** `google.protobuf.Value` with its member `string_value`. */
function readStringValue(bytes: Uint8Array): string | null {
  let text: string | null = null;
  readMessage(bytes, (field, value) => {
    if (field !== 3) throw new ProtobufError('metadata with a member that is repeated or not text');
    text = asText(value);
    return true;
  });
  return text;
}

/** `istio.v1.auth.IstioCertificateResponse`: repeated string cert_chain = 1. */
export function encodeResponse(chain: readonly string[]): Buffer {
  return Buffer.concat(chain.flatMap((element) => lengthDelimited(1, Buffer.from(element, 'latin1'))));
}

import protobuf from 'protobufjs';
import { decodeRequest, type DecodedRequest } from '../../../csr-agent/src/grpc/messages.ts';
import { encodeRequest, type CertificateRequest } from '../../support/wire/protobuf.ts';
import { mutateText } from '../mutate_text.ts';
import { accepts, type Target } from '../target.ts';
import { IDENTITY } from './samples.ts';

type Good = Extract<DecodedRequest, { ok: true }>['value'];

class Refused extends Error {}

const SEEDS: readonly CertificateRequest[] = [
  {
    csr: '-----BEGIN CERTIFICATE REQUEST-----',
    validityDuration: 86_400,
    metadata: { ImpersonatedIdentity: IDENTITY },
  },
  { csr: 'x', validityDuration: 0, metadata: { CertSigner: '' } },
  { csr: '', validityDuration: -1, metadata: {} },
  { csr: 'é'.repeat(100), validityDuration: 1 },
];

const DICTIONARY = [
  [
    '\n',
    '\u0012',
    '\u0018',
    '"',
    '\u001a',
    '\u0000',
    '\u0001',
    '\b',
    '\u000b',
    '\f',
    '\r',
    '\u0015',
    'ImpersonatedIdentity',
  ],
  [
    'CertSigner',
    '\u0018\u007f',
    '\u0010\u0001',
    '\u0019\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000',
    '\u001d0000',
  ],
].flat();

const { root } = protobuf.parse(`syntax = "proto3";
  message Value { oneof kind { int32 null_value = 1; double number_value = 2; string string_value = 3; bool bool_value = 4; bytes struct_value = 5; bytes list_value = 6; } }
  message Struct { map<string, Value> fields = 1; }
  message Request { string csr = 1; int64 validity_duration = 3; Struct metadata = 4; }`);
const Request = root.lookupType('Request');

interface Theirs {
  csr?: string;
  validityDuration?: number;
  metadata?: { fields?: Record<string, { stringValue?: string }> };
}

const readByProtobufjs = (input: Uint8Array): Theirs => Request.toObject(Request.decode(input), { longs: Number });

/** The reader of requests, held to protobufjs. */
export const protobufTarget: Target = {
  name: 'protobuf',
  seeds: () => SEEDS.map((request) => encodeRequest(request)),
  mutate: mutateText(DICTIONARY),
  parse(input) {
    const decoded = decodeRequest(input);
    if (!decoded.ok) throw new Refused(decoded.reason);
    return decoded.value;
  },
  isRefusal: (error): error is Error => error instanceof Refused,
  compare(input, read) {
    const ours = read as Good;
    const theirs = readByProtobufjs(input);
    if ((theirs.csr ?? '') !== ours.csr) return 'protobufjs sees another CSR';
    if ((theirs.validityDuration ?? 0) !== ours.validityDuration)
      return `protobufjs sees another lifetime, ${theirs.validityDuration}`;
    const identity = theirs.metadata?.fields?.['ImpersonatedIdentity']?.stringValue ?? '';
    return identity === (ours.impersonatedIdentity ?? '') ? null : `protobufjs sees another identity, ${identity}`;
  },
  othersAccept: (input) => accepts(() => readByProtobufjs(input)),
  compareOneIn: 4,
};

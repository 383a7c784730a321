import { type InnerList, type Parameters, parseDictionary } from 'structured-headers';
import { fromBase64, toBase64, utf8 } from '../../../pki/src/bytes.ts';
import type { Awaitable } from '../../../pki/src/crypto/port.ts';
import { WireError } from './wire_error.ts';

/*
 * HTTP message signatures (RFC 9421) in one fixed profile: one signature, labelled `sig`, over a fixed list of
 * components with a fixed list of parameters. The fields are read by the grammar of structured fields and must then be
 * spelled as we would spell them, so that nothing is signed that is not understood.
 */

/** RFC 9421 §3.3.4: ECDSA P-256 with SHA-256, the signature as r || s, 64 bytes. */
const SIGNATURE_ALGORITHM = 'ecdsa-p256-sha256';
const REQUEST_TAG = 'ambient-ca-agent';
const ANSWER_TAG = 'ambient-ca-answer';

/** Signs a signature base; 64 bytes r || s. WebCrypto makes it so; `node:crypto` with `dsaEncoding: 'ieee-p1363'`. */
export type RawSign = (base: Uint8Array) => Awaitable<Uint8Array>;
/** False for a signature that does not verify; `signature` is 64 bytes r || s. */
export type RawVerify = (base: Uint8Array, signature: Uint8Array) => Awaitable<boolean>;

export interface SignatureFields {
  'signature-input': string;
  signature: string;
}

export interface RequestMessage {
  method: string;
  /** The CA's configured URL and the path: what both sides know without asking a proxy. */
  targetUri: string;
  contentDigest: string;
  authorization: string;
}

export interface RequestParams {
  /** s since 1970 */
  created: number;
  /** `<boot>.<22 base64url characters>`, see `formatNonce` */
  nonce: string;
  /** thumbprint of the agent's key */
  keyid: string;
}

export interface AnswerMessage {
  status: number;
  contentDigest: string;
  /** base64, as between the colons of the request's `signature: sig=:…:` */
  requestSignature: string;
}

export interface AnswerParams {
  /** s since 1970 */
  created: number;
  /** thumbprint of the answer key */
  keyid: string;
}

export interface ParsedSignature<P> {
  params: P;
  /** r || s */
  signature: Uint8Array;
  /** The same in base64: what the answer is bound to. */
  signatureText: string;
}

const REQUEST_COMPONENTS = '("@method" "@target-uri" "content-digest" "authorization")';
const ANSWER_COMPONENTS = '("@status" "content-digest" "signature";req;key="sig")';
const SIGNATURE_FORM = /^sig=:([A-Za-z0-9+/]{86}==):$/;
const KEY_ID = /^[A-Za-z0-9_-]{43}$/;
const NONCE = /^([A-Za-z0-9_-]{8}|none)\.([A-Za-z0-9_-]{22})$/;
/** Far above every field of the profile; refused before parsing. */
const MAX_INPUT = 1_024;

/** The boot id of an agent that has not heard the object's yet. */
export const NO_BOOT = 'none';

/** `random`: 16 bytes. */
export function formatNonce(boot: string, random: Uint8Array): string {
  return `${boot}.${toBase64(random).slice(0, 22).replaceAll('+', '-').replaceAll('/', '_')}`;
}

/** The boot id in a nonce that `parseRequestSignature` accepted. */
export function bootOf(nonce: string): string {
  return nonce.slice(0, nonce.indexOf('.'));
}

export async function signRequest(
  message: RequestMessage,
  params: RequestParams,
  sign: RawSign,
): Promise<SignatureFields & { signatureText: string }> {
  return fields(requestParams(params), await sign(requestSignatureBase(message, params)));
}

export async function signAnswer(
  message: AnswerMessage,
  params: AnswerParams,
  sign: RawSign,
): Promise<SignatureFields & { signatureText: string }> {
  return fields(answerParams(params), await sign(answerSignatureBase(message, params)));
}

/** Reads the two fields of a request; throws `signature-malformed` for anything but the profile. */
export function parseRequestSignature(input: string | null, signature: string | null): ParsedSignature<RequestParams> {
  const found = parseInput(input);
  const params = { created: number(found, 'created'), nonce: text(found, 'nonce'), keyid: text(found, 'keyid') };
  if (!NONCE.test(params.nonce)) throw malformed('the nonce is not a boot id and 128 random bits');
  mustEqual(input, `sig=${requestParams(params)}`);
  return { params, ...parseSignature(signature) };
}

/** Reads the two fields of an answer; throws `signature-malformed` for anything but the profile. */
export function parseAnswerSignature(input: string | null, signature: string | null): ParsedSignature<AnswerParams> {
  const found = parseInput(input);
  const params = { created: number(found, 'created'), keyid: text(found, 'keyid') };
  mustEqual(input, `sig=${answerParams(params)}`);
  return { params, ...parseSignature(signature) };
}

/** Throws `signature-mismatch` unless the key signed exactly this message with these parameters. */
export async function verifyRequest(
  message: RequestMessage,
  { params, signature }: ParsedSignature<RequestParams>,
  verify: RawVerify,
): Promise<void> {
  if (!(await verify(requestSignatureBase(message, params), signature))) throw mismatch();
}

/** Throws `signature-mismatch` unless the key signed exactly this answer to this request. */
export async function verifyAnswer(
  message: AnswerMessage,
  { params, signature }: ParsedSignature<AnswerParams>,
  verify: RawVerify,
): Promise<void> {
  if (!(await verify(answerSignatureBase(message, params), signature))) throw mismatch();
}

/** RFC 9421 §2.5. */
export function requestSignatureBase(message: RequestMessage, params: RequestParams): Uint8Array {
  return base([
    ['"@method"', message.method],
    ['"@target-uri"', message.targetUri],
    ['"content-digest"', message.contentDigest],
    ['"authorization"', message.authorization],
    ['"@signature-params"', requestParams(params)],
  ]);
}

/** RFC 9421 §2.5; the request's signature is the dictionary member `sig` of the related request (§2.1.2, §2.4). */
export function answerSignatureBase(message: AnswerMessage, params: AnswerParams): Uint8Array {
  return base([
    ['"@status"', String(message.status)],
    ['"content-digest"', message.contentDigest],
    ['"signature";req;key="sig"', `:${message.requestSignature}:`],
    ['"@signature-params"', answerParams(params)],
  ]);
}

function requestParams({ created, nonce, keyid }: RequestParams): string {
  return `${REQUEST_COMPONENTS};created=${created};nonce="${nonce}";keyid="${keyid}";alg="${SIGNATURE_ALGORITHM}";tag="${REQUEST_TAG}"`;
}

function answerParams({ created, keyid }: AnswerParams): string {
  return `${ANSWER_COMPONENTS};created=${created};keyid="${keyid}";alg="${SIGNATURE_ALGORITHM}";tag="${ANSWER_TAG}"`;
}

/** A line break in a component would let one message pass for another (RFC 9421 §7.5.6). */
function base(lines: [name: string, value: string][]): Uint8Array {
  if (lines.some(([, value]) => /[\r\n]/.test(value))) throw malformed('a signed component contains a line break');
  return utf8(lines.map(([name, value]) => `${name}: ${value}`).join('\n'));
}

function fields(params: string, signature: Uint8Array): SignatureFields & { signatureText: string } {
  if (signature.length !== 64) throw new TypeError(`an ES256 signature is 64 bytes, got ${signature.length}`);
  const signatureText = toBase64(signature);
  return { 'signature-input': `sig=${params}`, signature: `sig=:${signatureText}:`, signatureText };
}

function parseSignature(field: string | null): { signature: Uint8Array; signatureText: string } {
  const signatureText = SIGNATURE_FORM.exec(field ?? '')?.[1];
  if (signatureText === undefined) throw malformed('signature is not exactly one signature of 64 bytes named sig');
  try {
    return { signature: fromBase64(signatureText), signatureText };
  } catch (cause) {
    throw malformed('the signature is not canonical base64', cause);
  }
}

function parseInput(field: string | null): Parameters {
  if (field === null) throw malformed('signature-input is missing');
  if (field.length > MAX_INPUT) throw malformed('signature-input is too long');
  try {
    const members = parseDictionary(field);
    const [only] = members.values();
    if (members.size === 1 && members.has('sig') && only !== undefined && isInnerList(only)) return only[1];
  } catch (cause) {
    throw malformed('signature-input is not a structured field', cause);
  }
  throw malformed('signature-input is not exactly one list of components named sig');
}

function isInnerList(member: unknown[]): member is InnerList {
  return Array.isArray(member[0]);
}

function number(params: Parameters, name: string): number {
  const value = params.get(name);
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed(`${name} is not a time`);
  return value;
}

function text(params: Parameters, name: string): string {
  const value = params.get(name);
  if (typeof value !== 'string') throw malformed(`${name} is missing`);
  if (name === 'keyid' && !KEY_ID.test(value)) throw malformed('keyid is not a thumbprint');
  return value;
}

/** Order of components and parameters, foreign ones, another `alg` or `tag`: each is another spelling. */
function mustEqual(field: string | null, canonical: string): void {
  if (field !== canonical)
    throw malformed('signature-input does not have the components and parameters of the profile');
}

function malformed(message: string, cause?: unknown): WireError {
  return new WireError('signature-malformed', message, cause === undefined ? {} : { cause });
}

function mismatch(): WireError {
  return new WireError('signature-mismatch', 'the signature is not of this message by this key');
}

import { compactVerify } from 'jose';
import { fromBase64Url, fromUtf8 } from '../../../pki/src/bytes.ts';
import { isNamespace, isServiceAccountName } from '../../../pki/src/spiffe_id.ts';
import { Refusal } from './refusal.ts';
import type { VerificationKeys } from './verification_keys.ts';

/** What a verified service-account token states. Times are ms since 1970. */
export interface TokenFacts {
  issuer: string;
  audiences: readonly string[];
  namespace: string;
  serviceAccount: string;
  pod: { name: string; uid: string } | null;
  node: string | null;
  expiresAt: number;
  /** The later of `nbf` and `iat`; 0 where the token has neither. */
  notBefore: number;
  /** 0 where the token has no `iat` */
  issuedAt: number;
}

/** Characters; a token with every claim of a long-named pod has under 3 000. */
export const MAX_TOKEN = 8_192;
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const HEADER_MEMBERS = new Set(['alg', 'kid', 'typ']);
const SUBJECT = /^system:serviceaccount:([^:]+):([^:]+)$/;
/** ms, on `nbf` and `iat`, none on `exp`: as far as clocks may differ, which is the back-date of a leaf. */
const LEEWAY = 300_000;

/**
 * Verifies signature and form of a Kubernetes service-account token by the enrolled keys of its issuer. Times and
 * audience are for the caller of this function: the same token is judged as of several times. Throws `token-invalid`.
 */
export async function verifyToken(token: string, keys: VerificationKeys): Promise<TokenFacts> {
  const { alg, kid } = readHeader(token);
  const claims = parseObject(token.split('.')[1] ?? '', 'claims');
  const issuer = claims['iss'];
  if (typeof issuer !== 'string' || !keys.knows(issuer)) throw invalid('an issuer that is not enrolled');
  await verifySignature(token, await keys.candidates(issuer, alg, kid), alg);
  return factsOf(issuer, claims);
}

/** The protected header of a compact JWS, whose form is checked; throws `token-invalid`. */
export function readHeader(token: string): { alg: string; kid: string | undefined } {
  if (token.length > MAX_TOKEN || !COMPACT.test(token)) throw invalid('not a compact JWS');
  const header = parseObject(token.slice(0, token.indexOf('.')), 'header');
  // jku, x5u, jwk and x5c name a key by the attacker's choice; crit changes the meaning of the rest (RFC 7515 §4.1).
  const foreign = Object.keys(header).find((member) => !HEADER_MEMBERS.has(member));
  if (foreign !== undefined) throw invalid('a header member other than alg, kid and typ');
  const { alg, kid } = header;
  if (typeof alg !== 'string' || !(kid === undefined || typeof kid === 'string'))
    throw invalid('alg or kid is not text');
  return { alg, kid };
}

/** As of the time of receipt; throws `token-expired`, or `token-invalid` for a token from the future. */
export function checkTimes({ expiresAt, notBefore }: TokenFacts, receivedAt: number): void {
  // RFC 7519 §4.1.4: not accepted on or after its expiry.
  if (receivedAt >= expiresAt)
    throw new Refusal('token-expired', 'the token had expired when the request was received');
  if (notBefore > receivedAt + LEEWAY) throw invalid('not valid yet when the request was received');
}

/** By any of the candidates; throws `token-invalid`. */
export async function verifySignature(token: string, candidates: CryptoKey[], alg: string): Promise<void> {
  if (candidates.length === 0) throw invalid('no enrolled key of its issuer fits its alg and kid');
  for (const key of candidates) {
    try {
      await compactVerify(token, key, { algorithms: [alg] });
      return;
    } catch {
      // The next candidate may be the one.
    }
  }
  throw invalid('its signature is by no enrolled key');
}

function factsOf(issuer: string, claims: Record<string, unknown>): TokenFacts {
  const subject = SUBJECT.exec(String(claims['sub']));
  const kubernetes = record(claims['kubernetes.io'], 'kubernetes.io');
  const namespace = kubernetes['namespace'];
  const serviceAccount = record(kubernetes['serviceaccount'], 'kubernetes.io/serviceaccount')['name'];
  if (typeof claims['sub'] !== 'string' || subject === null) throw invalid('sub is not system:serviceaccount:ns:name');
  if (typeof namespace !== 'string' || typeof serviceAccount !== 'string') throw invalid('no namespace or account');
  if (!isNamespace(namespace) || !isServiceAccountName(serviceAccount)) throw invalid('names that no account can have');
  if (subject[1] !== namespace || subject[2] !== serviceAccount) throw invalid('sub and kubernetes.io differ');
  const issuedAt = optionalTime(claims, 'iat');
  return {
    issuer,
    audiences: audiencesOf(claims['aud']),
    namespace,
    serviceAccount,
    pod: kubernetes['pod'] === undefined ? null : podOf(kubernetes['pod']),
    node: kubernetes['node'] === undefined ? null : textOf(record(kubernetes['node'], 'node')['name'], 'node name'),
    expiresAt: time(claims['exp'], 'exp'),
    notBefore: Math.max(optionalTime(claims, 'nbf'), issuedAt),
    issuedAt,
  };
}

function podOf(value: unknown): { name: string; uid: string } {
  const pod = record(value, 'pod');
  return { name: textOf(pod['name'], 'pod name'), uid: textOf(pod['uid'], 'pod uid') };
}

/** RFC 7519 §4.1.3: one text or several; never compared but whole. */
function audiencesOf(value: unknown): readonly string[] {
  if (typeof value === 'string' && value !== '') return [value];
  if (!Array.isArray(value) || value.length === 0 || value.length > 16) throw invalid('no audience');
  return value.map((entry) => textOf(entry, 'audience'));
}

function optionalTime(claims: Record<string, unknown>, name: string): number {
  return claims[name] === undefined ? 0 : time(claims[name], name);
}

function time(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0 || value > 1e11)
    throw invalid(`${name} is not a time`);
  return Math.floor(value * 1000);
}

function textOf(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '' || value.length > 2_048) throw invalid(`${name} is not text`);
  return value;
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`no ${name}`);
  return value as Record<string, unknown>;
}

function parseObject(part: string, name: string): Record<string, unknown> {
  try {
    return record(JSON.parse(fromUtf8(fromBase64Url(part))), name);
  } catch (cause) {
    throw new Refusal('token-invalid', `the token: its ${name} is not a JSON object`, { cause });
  }
}

function invalid(what: string): Refusal {
  return new Refusal('token-invalid', `the token: ${what}`);
}

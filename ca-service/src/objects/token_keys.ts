import { fromBase64Url, toBase64Url, utf8 } from '../../../pki/src/bytes.ts';
import { isRoca } from '../../../pki/src/roca.ts';
import type { KeySet, TokenKey } from './rpc.ts';

/** Octets of a coordinate, by curve: the curves the service-account keys of clusters are on. */
const COORDINATE_OCTETS: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 };
const MIN_RSA_OCTETS = 256;
const MAX_RSA_OCTETS = 1024;
/** Members of a private key (RFC 7518 §6.2.2, §6.3.2) or a symmetric one. Whoever pastes one has to know. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** What is wrong with a key of a token issuer, each fault in a phrase. */
export function tokenKeyFaults(key: TokenKey): string[] {
  const faults: string[] = [];
  if (PRIVATE_MEMBERS.some((member) => member in key)) {
    faults.push('holds a private key, which must now be considered known; enrol the public key of a new one');
  }
  if (key.kid !== undefined && !/^[\x21-\x7e]{1,256}$/.test(key.kid))
    faults.push('kid is not 1 to 256 printable characters');
  if (key.use !== undefined && key.use !== 'sig') faults.push('use is not sig');
  if (key.key_ops !== undefined && !(Array.isArray(key.key_ops) && key.key_ops.includes('verify')))
    faults.push('key_ops does not have verify');
  if (key.kty === 'EC') faults.push(...ecFaults(key));
  else if (key.kty === 'RSA') faults.push(...rsaFaults(key));
  else faults.push('kty is neither EC nor RSA');
  return faults;
}

/** The members that count, and no others. */
export function tokenKeyOf({ kty, kid, alg, crv, x, y, n, e }: TokenKey): TokenKey {
  const common = { kty, ...(kid === undefined ? {} : { kid }), ...(alg === undefined ? {} : { alg }) };
  return kty === 'EC' ? { ...common, crv: crv ?? '', x: x ?? '', y: y ?? '' } : { ...common, n: n ?? '', e: e ?? '' };
}

/** RFC 7638: the same key has the same thumbprint whatever its `kid`. */
export async function tokenKeyThumbprint({ kty, crv, x, y, n, e }: TokenKey): Promise<string> {
  const canonical = kty === 'EC' ? { crv, kty, x, y } : { e, kty, n };
  const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from(utf8(JSON.stringify(canonical))));
  return toBase64Url(new Uint8Array(digest));
}

/** Of each key of an issuer. */
export function thumbprintsOf({ issuer, keys }: KeySet): Promise<{ issuer: string; thumbprint: string }[]> {
  return Promise.all(keys.map(async (key) => ({ issuer, thumbprint: await tokenKeyThumbprint(key) })));
}

function ecFaults({ crv, x, y }: TokenKey): string[] {
  const expected = COORDINATE_OCTETS[crv ?? ''];
  if (expected === undefined) return ['crv is none of P-256, P-384, P-521'];
  return [x, y].every((coordinate) => octets(coordinate).length === expected)
    ? []
    : ['x or y is not a coordinate of the curve'];
}

function rsaFaults({ n, e }: TokenKey): string[] {
  const [modulus, exponent] = [octets(n), octets(e)];
  if (modulus.length < MIN_RSA_OCTETS || modulus.length > MAX_RSA_OCTETS)
    return ['n is not a modulus of 2048 to 8192 bits'];
  if (isRoca(modulus)) return ['n was made by a faulty chip (ROCA) and can be factored; the issuer needs a new key'];
  // RFC 7518 §6.3.1.2 lets e be anything; what is less than the usual one has no use but in attacks.
  const small = exponent.length < 3 || (exponent.length === 3 && exponent[0] === 0);
  return small || exponent.length > 8 || ((exponent.at(-1) ?? 0) & 1) === 0
    ? ['e is not an odd exponent of at least 65537']
    : [];
}

/** None for what is no base64url. */
function octets(text: string | undefined): Uint8Array {
  try {
    return fromBase64Url(text ?? '');
  } catch {
    return new Uint8Array();
  }
}

import { toBase64Url } from '../../../pki/src/bytes.ts';

/** Octets of a P-256 SubjectPublicKeyInfo whose point is uncompressed (RFC 5480 §2), and of a coordinate. */
const SPKI_OCTETS = 91;
const COORDINATE_OCTETS = 32;

export interface P256Jwk {
  kty: 'EC';
  crv: 'P-256';
  x: string;
  y: string;
}

/** The JWK of one of our own P-256 keys: the point is the end of its SubjectPublicKeyInfo. */
export function jwkOfSpki(spki: Uint8Array): P256Jwk {
  if (spki.length !== SPKI_OCTETS) throw new RangeError('not the SubjectPublicKeyInfo of a P-256 key');
  return {
    kty: 'EC',
    crv: 'P-256',
    x: toBase64Url(spki.subarray(SPKI_OCTETS - 2 * COORDINATE_OCTETS, SPKI_OCTETS - COORDINATE_OCTETS)),
    y: toBase64Url(spki.subarray(SPKI_OCTETS - COORDINATE_OCTETS)),
  };
}

export async function sha256(data: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', data));
}

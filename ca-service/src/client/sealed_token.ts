import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';
import { utf8 } from '../../../pki/src/bytes.ts';
import { WireError } from './wire_error.ts';

/** Key agreement and content encryption of a token on its way to the edge (RFC 7518 §4.6, §5.3); no other is opened. */
const ALG = 'ECDH-ES';
const ENC = 'A256GCM';

/** Sealed tokens longer than this are refused unread. A Kubernetes token has 1 to 2 KiB. */
export const MAX_SEALED_TOKEN = 16_384;

const HEADER_MEMBERS = ['alg', 'enc', 'epk', 'kid'];

export interface EvidencePublicKey {
  kid: string;
  jwk: { kty: 'EC'; crv: 'P-256'; x: string; y: string };
}

export interface EvidencePrivateKey {
  kid: string;
  privateJwk: { kty: 'EC'; crv: 'P-256'; x: string; y: string; d: string };
}

/** A token sealed to a cluster's evidence key: JWE compact (RFC 7516 §7.1), whose plaintext is the JWT. */
export async function sealToken(token: string, to: EvidencePublicKey): Promise<string> {
  return new CompactEncrypt(utf8(token)).setProtectedHeader({ alg: ALG, enc: ENC, kid: to.kid }).encrypt({ ...to.jwk });
}

/** Opens what `sealToken` made; throws `token-unsealable` for another key, algorithm, header member or any alteration. */
export async function openToken(sealed: string, key: EvidencePrivateKey): Promise<string> {
  if (sealed.length > MAX_SEALED_TOKEN) throw new WireError('token-unsealable', 'the sealed token is too long');
  try {
    const header = decodeProtectedHeader(sealed);
    const members = Object.keys(header).sort();
    if (members.join() !== HEADER_MEMBERS.join()) throw new Error(`header members ${members.join()}`);
    if (header['kid'] !== key.kid) throw new Error(`sealed to the key ${String(header['kid'])}, expected ${key.kid}`);
    const { plaintext } = await compactDecrypt(
      sealed,
      { ...key.privateJwk },
      { keyManagementAlgorithms: [ALG], contentEncryptionAlgorithms: [ENC] },
    );
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext);
  } catch (cause) {
    throw new WireError('token-unsealable', 'the sealed token does not open with this evidence key', { cause });
  }
}

import { authorityCommonName } from '../../pki/src/authority/name.ts';
import { createIntermediate } from '../../pki/src/authority/intermediate.ts';
import { createRoot } from '../../pki/src/authority/root.ts';
import { generateNodeKey } from '../../pki/src/crypto/node.ts';
import type { KeyType, SyncSigner } from '../../pki/src/crypto/port.ts';
import { authorityValidity } from '../../pki/src/lifetimes.ts';
import type { IntermediateProfileName } from '../../pki/src/profiles.ts';

/** A key of an authority, as WebCrypto (makes CA certificates) and as node:crypto (signs leaves). */
export interface AuthorityKey {
  readonly privateKey: CryptoKey;
  readonly spki: Uint8Array;
  readonly signer: SyncSigner;
}

export interface Authority extends AuthorityKey {
  readonly certificate: Uint8Array;
}

const webParameters = {
  'ec-p256': { name: 'ECDSA', namedCurve: 'P-256' },
  'ec-p384': { name: 'ECDSA', namedCurve: 'P-384' },
  'rsa-2048': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  'rsa-3072': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  'rsa-4096': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
} as const;

export async function authorityKey(type: KeyType = 'ec-p256'): Promise<AuthorityKey> {
  const signer = generateNodeKey(type);
  const pkcs8 = Uint8Array.from(signer.pkcs8);
  const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, webParameters[type], false, ['sign']);
  return { privateKey, spki: signer.spki, signer };
}

/** 2026-01-01, a moment in the life of everything the tests make. */
export const NOW = Date.UTC(2026, 0, 1);

let made = 0;
const id = (): string => (made += 1).toString(16).padStart(8, '0');

export async function testRoot(type: KeyType = 'ec-p256', now = NOW): Promise<Authority> {
  const key = await authorityKey(type);
  const commonName = authorityCommonName('cluster.local', 'root', id());
  const { privateKey, spki } = key;
  return { ...key, certificate: await createRoot({ privateKey, spki, commonName, ...authorityValidity('root', now) }) };
}

export async function testIntermediate(
  root: Authority,
  profile: IntermediateProfileName = 'svid',
  { type = 'ec-p256', now = NOW, reservedNames = [] }: { type?: KeyType; now?: number; reservedNames?: string[] } = {},
): Promise<Authority> {
  const key = await authorityKey(type);
  const certificate = await createIntermediate({
    profile,
    subjectSpki: key.spki,
    commonName: authorityCommonName('cluster.local', profile, id()),
    issuer: { certificate: root.certificate, signingKey: root.privateKey },
    ...authorityValidity(profile, now),
    reservedNames,
  });
  return { ...key, certificate };
}

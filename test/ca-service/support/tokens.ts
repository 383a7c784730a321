import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { KeySet, TokenKey } from '../../../ca-service/src/objects/rpc.ts';

export const ISSUER = 'https://kubernetes.default.svc';

/** A key of a token issuer, as an API server has one. */
export interface TokenSigner {
  issuer: string;
  kid: string;
  alg: string;
  privateKey: CryptoKey;
  jwk: TokenKey;
}

export async function tokenSigner(alg = 'ES256', kid = 'k1', issuer = ISSUER): Promise<TokenSigner> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { issuer, kid, alg, privateKey, jwk: { ...((await exportJWK(publicKey)) as TokenKey), kid, alg } };
}

export function keySet(...signers: TokenSigner[]): KeySet {
  return { issuer: signers[0]?.issuer ?? ISSUER, keys: signers.map(({ jwk }) => jwk) };
}

export interface PodFacts {
  namespace: string;
  serviceAccount: string;
  name: string;
  uid: string;
  node: string;
}

/** Claims of a token that the API server bound to a pod. `now` in s. */
export function claimsOf(pod: PodFacts, audience: string[], now: number, issuer = ISSUER): JWTPayload {
  return {
    iss: issuer,
    sub: `system:serviceaccount:${pod.namespace}:${pod.serviceAccount}`,
    aud: audience,
    iat: now,
    nbf: now,
    exp: now + 600,
    jti: crypto.randomUUID(),
    'kubernetes.io': {
      namespace: pod.namespace,
      node: { name: pod.node, uid: 'node-uid' },
      pod: { name: pod.name, uid: pod.uid },
      serviceaccount: { name: pod.serviceAccount, uid: 'sa-uid' },
    },
  };
}

export function sign(signer: TokenSigner, claims: JWTPayload, header: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: signer.alg, kid: signer.kid, ...header })
    .sign(signer.privateKey, { crit: { b64: true } });
}

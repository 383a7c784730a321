import { createPublicKey, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, importPKCS8, SignJWT } from 'jose';
import type { Pod } from './pods.ts';
import { stableUid } from './stable_uid.ts';

export const TOKEN_ALG = 'ES256';

/** A fresh key of the local token issuer. @returns PKCS#8 PEM */
export async function generateTokenKey(): Promise<string> {
  const { privateKey } = await generateKeyPair(TOKEN_ALG, { extractable: true });
  const pem = await exportPKCS8(privateKey);
  return pem.endsWith('\n') ? pem : `${pem}\n`;
}

export interface TokenRequest {
  issuer: string;
  audiences: readonly string[];
  pod: Pod;
  lifeSeconds: number;
  /** seconds since 1970 */
  now: number;
}

/** A service-account token of the form a Kubernetes API server (≥ 1.30) signs, bound to a pod and its node. */
export async function signToken(keyPem: string, request: TokenRequest): Promise<string> {
  const { issuer, audiences, pod, lifeSeconds, now } = request;
  const { kid } = await publicJwk(keyPem);
  return new SignJWT({
    'kubernetes.io': {
      namespace: pod.namespace,
      node: { name: pod.node, uid: stableUid(`node/${pod.node}`) },
      pod: { name: pod.name, uid: pod.uid },
      serviceaccount: {
        name: pod.serviceAccount,
        uid: stableUid(`serviceaccount/${pod.namespace}/${pod.serviceAccount}`),
      },
    },
  })
    .setProtectedHeader({ alg: TOKEN_ALG, kid })
    .setIssuer(issuer)
    .setAudience([...audiences])
    .setSubject(`system:serviceaccount:${pod.namespace}:${pod.serviceAccount}`)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setNotBefore(now)
    .setExpirationTime(now + lifeSeconds)
    .sign(await importPKCS8(keyPem, TOKEN_ALG));
}

/** The key that verifies the issuer's tokens, named by its thumbprint (RFC 7638). */
export async function publicJwk(pem: string): Promise<{ kid: string; alg: string; use: string }> {
  const jwk = await exportJWK(createPublicKey(pem));
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: TOKEN_ALG, use: 'sig' };
}

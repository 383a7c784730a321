import { createPrivateKey, randomUUID, sign } from 'node:crypto';

export interface Pod {
  namespace: string;
  name: string;
  uid: string;
  serviceAccount: string;
  node: string;
}

export interface TokenIssuer {
  issuer: string;
  audience: string;
  /** PKCS#8 PEM. */
  keyPem: string;
  alg: string;
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The claims of a projected service-account token (Kubernetes 1.30 and later: with the node), audience and times as the kubelet asks. */
export function tokenClaims(issuer: TokenIssuer, pod: Pod, now: number, ttlSeconds = 43_200): Record<string, unknown> {
  const iat = Math.floor(now / 1000);
  return {
    aud: [issuer.audience],
    exp: iat + ttlSeconds,
    iat,
    nbf: iat,
    iss: issuer.issuer,
    jti: randomUUID(),
    sub: `system:serviceaccount:${pod.namespace}:${pod.serviceAccount}`,
    'kubernetes.io': {
      namespace: pod.namespace,
      node: { name: pod.node, uid: `node-${pod.node}` },
      pod: { name: pod.name, uid: pod.uid },
      serviceaccount: { name: pod.serviceAccount, uid: `sa-${pod.namespace}-${pod.serviceAccount}` },
    },
  };
}

/** @throws Error for an `alg` other than ES256 and RS256 */
export function signToken(
  issuer: Pick<TokenIssuer, 'keyPem' | 'alg'>,
  claims: Record<string, unknown>,
  header = {},
): string {
  if (issuer.alg !== 'ES256' && issuer.alg !== 'RS256') throw new Error(`no signature of type ${issuer.alg}`);
  const input = `${part({ alg: issuer.alg, typ: 'JWT', ...header })}.${part(claims)}`;
  const key = createPrivateKey(issuer.keyPem);
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

export const podToken = (issuer: TokenIssuer, pod: Pod, now = Date.now(), ttlSeconds?: number): string =>
  signToken(issuer, tokenClaims(issuer, pod, now, ttlSeconds));

import { createHash, createPrivateKey, createPublicKey, randomUUID, sign, type KeyObject } from 'node:crypto';
import type { TokenSource } from './source.ts';

export interface LocalIssuer {
  /** PKCS#8 PEM of the issuer's P-256 key */
  readonly keyPem: string;
  readonly issuer: string;
  /** `namespace/service-account` */
  readonly account: string;
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly node: string;
  readonly now: () => number;
}

/**
 * Stands in for the API server of a cluster: signs service-account tokens with the claims of a bound token of
 * Kubernetes 1.30 and later, with the local issuer's key (ES256).
 *
 * @throws Error when the key is not a P-256 private key, or the account not one of the pod's namespace
 */
export function localTokenSource({ keyPem, issuer, account, pod, node, now }: LocalIssuer): TokenSource {
  const key = createPrivateKey(keyPem);
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new Error('the key of the local token issuer is not a P-256 key');
  }
  const [namespace = '', serviceAccount = ''] = account.split('/');
  if (namespace !== pod.namespace) throw new Error('the agent account is in another namespace than the agent pod');
  const header = encode({ alg: 'ES256', kid: thumbprint(key), typ: 'JWT' });
  const subject = {
    namespace,
    node: { name: node, uid: `node-${node}` },
    pod: { name: pod.name, uid: pod.uid },
    serviceaccount: { name: serviceAccount, uid: `serviceaccount-${namespace}-${serviceAccount}` },
  };
  return {
    // oxlint-disable-next-line typescript/require-await -- the interface allows for an API server
    async token(audiences, seconds) {
      const issuedAt = Math.floor(now() / 1000);
      const claims = {
        aud: [...audiences],
        exp: issuedAt + seconds,
        iat: issuedAt,
        iss: issuer,
        jti: randomUUID(),
        'kubernetes.io': subject,
        nbf: issuedAt,
        sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
      };
      const input = `${header}.${encode(claims)}`;
      const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
      return { token: `${input}.${signature.toString('base64url')}`, expiresAt: claims.exp * 1000 };
    },
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** RFC 7638: how the key set of the local issuer names its keys. */
function thumbprint(key: KeyObject): string {
  const { crv, kty, x, y } = createPublicKey(key).export({ format: 'jwk' });
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

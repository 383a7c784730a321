import * as z from 'zod';
import { isNamespace, isServiceAccountName } from '../../../pki/src/spiffe_id.ts';

/** The private claims of a bound service-account token (Kubernetes TokenRequest); other members may come. */
const kubernetes = z.object({
  namespace: z.string().refine(isNamespace),
  serviceaccount: z.object({ name: z.string().refine(isServiceAccountName) }),
  pod: z.object({ name: z.string().min(1), uid: z.string().min(1) }),
  node: z.object({ name: z.string().min(1) }).optional(),
});

const claims = z.object({
  iss: z.string().min(1),
  sub: z.string().min(1),
  aud: z.union([z.string(), z.array(z.string()).min(1).max(20)]),
  exp: z.int().nonnegative(),
  iat: z.int().nonnegative(),
  nbf: z.int().nonnegative().optional(),
  'kubernetes.io': kubernetes,
});

/** What a workload token says, once it is verified. Times are seconds since 1970. */
export interface WorkloadClaims {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly podName: string;
  readonly podUid: string;
  /** Kubernetes 1.30 and newer name the node. */
  readonly node: string | null;
  readonly notBefore: number;
  readonly expiresAt: number;
}

/** Clock difference that is forgiven on `iat` and `nbf`; none on `exp`. */
export const LEEWAY_SECONDS = 300;

/** @returns the claims, or in one sentence what is wrong with them */
export function readClaims(payload: unknown, audience: string): WorkloadClaims | string {
  const parsed = claims.safeParse(payload);
  if (!parsed.success) {
    return `claims that are not those of a pod's service-account token: ${parsed.error.issues.map((issue) => issue.path.join('.')).join(', ')}`;
  }
  const { sub, aud, exp, iat, nbf, 'kubernetes.io': bound } = parsed.data;
  if (!(typeof aud === 'string' ? [aud] : aud).includes(audience)) return `audience without ${audience}`;
  const account = bound.serviceaccount.name;
  if (sub !== `system:serviceaccount:${bound.namespace}:${account}`) {
    return 'subject that is not the service account of the kubernetes.io claims';
  }
  return {
    namespace: bound.namespace,
    serviceAccount: account,
    podName: bound.pod.name,
    podUid: bound.pod.uid,
    node: bound.node?.name ?? null,
    notBefore: Math.max(iat, nbf ?? iat),
    expiresAt: exp,
  };
}

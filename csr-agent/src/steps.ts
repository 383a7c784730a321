import type { Csr } from '../../pki/src/csr/parse.ts';
import type { Identity } from '../../pki/src/spiffe_id.ts';

/** A pod as the agent needs it. `node` is the name of the Kubernetes node it is scheduled to. */
export interface PodRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly serviceAccount: string;
  readonly node: string;
  /** ms since 1970: the pod exists at least since then. An old one that asks has most probably had a certificate before. */
  readonly knownSince?: number;
}

/** The pods of the cluster that are alive. Filled from a file, later by a watch. */
export interface PodIndex {
  /** False until the first complete list is in; until then nobody can be authorized. */
  readonly synced: boolean;
  byUid(uid: string): PodRef | undefined;
  onNode(node: string, namespace: string, serviceAccount: string): readonly PodRef[];
}

/** Who presented the token, after it was verified and its pod was found alive. */
export interface Caller {
  readonly token: string;
  /** base64url of the token's SHA-256. */
  readonly tokenHash: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly pod: PodRef;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/** Why a caller may not have what it asks for. `reason` is for the log; the client gets a constant text. */
export interface Refusal {
  readonly kind: 'unauthenticated' | 'impersonation' | 'csr' | 'unavailable';
  readonly code: string;
  readonly reason: string;
}

/** One authorized request for a certificate. */
export interface SigningRequest {
  readonly requestId: string;
  readonly caller: Caller;
  /** The pod the certificate is for: the caller's own, or with impersonation one on the caller's node. */
  readonly target: PodRef;
  readonly impersonated: boolean;
  readonly identity: Identity;
  readonly identityText: string;
  readonly csr: Csr;
  /** As asked, in seconds; zero or less means the CA's default. */
  readonly ttlSeconds: number;
  /** ms since 1970, by the agent's clock. */
  readonly receivedAt: number;
  /** Aborted when the client has gone. */
  readonly cancelled: AbortSignal;
  /** Whether the caller may still have it: asked again after a minute of hold, before sending. */
  recheck(): Refusal | null;
}

export type SigningOutcome =
  | {
      readonly ok: true;
      /** PEM elements of the reply in Istio's order: leaf, intermediates, and all roots in the last one. */
      readonly chain: readonly string[];
      /** Hexadecimal. */
      readonly serial: string;
      /** ms since 1970 */
      readonly notAfter: number;
      /** Id of the intermediate. */
      readonly issuer: string;
    }
  | {
      readonly ok: false;
      /** `refused` by the CA for who asks, `csr` for what was sent, `unavailable` for our own trouble. */
      readonly kind: 'refused' | 'csr' | 'unavailable';
      readonly code: string;
      readonly reason: string;
    };

/** Where certificates come from. One request, one outcome; it never throws. */
export interface CertificateSigner {
  sign(request: SigningRequest): Promise<SigningOutcome>;
}

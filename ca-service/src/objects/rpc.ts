import type { Problem } from '../client/problem.ts';

/**
 * What the Worker and the objects say to each other. A method never throws across RPC: a thrown error loses its code
 * and is logged as uncaught, so every answer is a union.
 */

/** Failures an object can answer. The HTTP layer has the status and the texts of each. */
export type ObjectErrorCode =
  // The deployment is not in a state to serve: 503.
  | 'kek-missing'
  | 'kek-mismatch'
  | 'state-missing'
  | 'schema-newer'
  | 'not-bootstrapped'
  | 'not-ready'
  | 'internal'
  // The Worker fetches the configuration again and repeats the call, once.
  | 'stale-epoch'
  // The caller has to change something.
  | 'already-bootstrapped'
  | 'unauthenticated'
  | 'not-found'
  | 'already-exists'
  | 'idempotency-mismatch'
  | 'invalid'
  | 'keys-in-use'
  | 'all-namespaces-unconfirmed'
  | 'no-root'
  | 'last-admin'
  | 'cluster-disabled';

export interface CaFailure {
  code: ObjectErrorCode;
  /** For the operator, in one sentence. Never a secret. */
  detail: string;
  /** The command that helps. */
  fix?: string;
  /** Extension members of the problem document; `faults` lists every fault of an `invalid` input. */
  extra?: Record<string, string | number | boolean | string[]>;
}

export type Rpc<T> = { ok: true; value: T } | { ok: false; error: CaFailure };
type RpcReply<T> = Rpc<T> | Promise<Rpc<T>>;

/** How a class looks through its stub: every method answers a promise. `stub as unknown as Remote<DirectoryRpc>`. */
export type Remote<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};

export type Role = 'viewer' | 'operator' | 'admin';

/** Who did it, as the audit shows it. */
export interface Actor {
  id: string;
  name: string;
  role: Role;
}

/** Pages are answered oldest first; `cursor` is the `next` of the page before. */
export interface PageRequest {
  cursor?: string;
  /** Rows at most, 1 to 500. */
  limit?: number;
}

export interface Page<T> {
  rows: T[];
  /** Null on the last page. A page may be empty and yet have a next one: a read looks at a bounded number of rows. */
  next: string | null;
}

export interface AuditEntry {
  id: number;
  /** ms since 1970 */
  at: number;
  actor: Actor;
  /** verb on a noun, as in `cluster.enrol` */
  action: string;
  subject: string;
  outcome: 'done' | 'refused';
  detail: Record<string, string | number | boolean | string[]>;
  /** hex SHA-256 over this entry and the hash of the one before (client/audit_chain.ts) */
  hash: string;
}

export type NewAuditEntry = Omit<AuditEntry, 'id' | 'at' | 'hash'>;

// ---- Directory ------------------------------------------------------------------------------------------------------

export type KekState = 'ok' | 'kek-missing' | 'kek-mismatch' | 'state-missing' | 'schema-newer';

export interface DirectoryStatus {
  instanceId: string | null;
  bootstrapped: boolean;
  kek: KekState;
  /** Says in a sentence what is wrong; null when nothing is. */
  reason: string | null;
}

export interface BootstrapInput {
  tokenId: string;
  tokenName: string;
  /** base64url SHA-256 of the token; the token itself never reaches an object. */
  tokenHash: string;
  /** ms since 1970 */
  expiresAt: number;
}

export interface TokenInput {
  id: string;
  name: string;
  tokenHash: string;
  role: Role;
  trustDomains: '*' | string[];
  expiresAt: number;
}

export interface TokenInfo {
  id: string;
  name: string;
  role: Role;
  trustDomains: '*' | string[];
  createdAt: number;
  createdBy: string;
  expiresAt: number;
  revokedAt: number | null;
  /** To the hour; null for one that was never used. */
  lastUsedAt: number | null;
}

export interface Authenticated {
  actor: Actor;
  trustDomains: '*' | string[];
  expiresAt: number;
}

export interface Names {
  instanceId: string;
  trustDomains: Record<
    string,
    { objectId: string; clusters: Record<string, { objectId: string; region: string; enrolledAt: number }> }
  >;
}

export interface DirectoryRpc {
  status(): RpcReply<DirectoryStatus>;
  /** Once in the life of a deployment: `already-bootstrapped` afterwards, whatever happened to the token. */
  bootstrap(input: BootstrapInput): RpcReply<{ instanceId: string }>;
  /** `unauthenticated` for an unknown, expired or revoked token alike. */
  authenticate(tokenHash: string): RpcReply<Authenticated>;
  /** Repeated under one idempotency key it is `already-exists`: the secret was answered once and is not kept. */
  createToken(actor: Actor, input: TokenInput, idempotencyKey?: string): RpcReply<TokenInfo>;
  listTokens(): RpcReply<TokenInfo[]>;
  revokeToken(actor: Actor, id: string): RpcReply<TokenInfo>;
  names(): RpcReply<Names>;
  createTrustDomain(
    actor: Actor,
    input: { name: string },
    idempotencyKey?: string,
  ): RpcReply<{ name: string; objectId: string }>;
  /** Called by the trust domain's object; repeating it changes nothing. */
  registerCluster(trustDomain: string, cluster: { name: string; objectId: string; region: string }): RpcReply<null>;
  appendAudit(entry: NewAuditEntry): RpcReply<null>;
  audit(page: PageRequest): RpcReply<Page<AuditEntry>>;
}

// ---- TrustDomain ----------------------------------------------------------------------------------------------------

export interface RootInfo {
  id: string;
  name: string;
  keyType: 'ec-p256' | 'ec-p384';
  /** `active` signs; `trusted` is distributed and does not sign yet. */
  state: 'active' | 'trusted';
  /** hex SHA-256 of the certificate: what an operator pins */
  fingerprint: string;
  /** base64 DER */
  certificate: string;
  notBefore: number;
  notAfter: number;
  createdAt: number;
}

export interface BundleDocument {
  trustDomain: string;
  version: number;
  /** base64 DER, active first */
  roots: string[];
  /** base64 DER; subject a newer root, signed by an older one */
  crossCertificates: string[];
}

/** A public key of a cluster's token issuer. Only the members of its type are kept. */
export interface TokenKey {
  kty: 'EC' | 'RSA';
  kid?: string;
  alg?: string;
  crv?: string;
  x?: string;
  y?: string;
  n?: string;
  e?: string;
  /** RFC 7517 §4.2 and §4.3; looked at when a key is enrolled, and not kept. */
  use?: string;
  key_ops?: string[];
}

export interface KeySet {
  issuer: string;
  keys: TokenKey[];
}

export interface TtlSeconds {
  floor: number;
  default: number;
  maximum: number;
}

export interface ClusterConfigInput {
  name: string;
  /** Istio's `clusterid` metadata, compared when a client sends it */
  clusterId: string;
  region: string;
  /** The first key set is that of `tokenIssuer`; more may follow, each with its own issuer. */
  tokenIssuer: string;
  jwks: { keys: TokenKey[] };
  extraKeySets?: KeySet[];
  tokenAudience: string;
  /** `namespace/service-account` of the agent */
  agentAccount: string;
  /** exact names, or `['*']` */
  namespaces: string[];
  confirmAllNamespaces?: boolean;
  servingNames: string[];
  ttl: TtlSeconds;
  /** `namespace/service-account` of each ztunnel */
  trustedNodeAccounts: string[];
  /** A policy document (policies/src/schema.ts) as JSON text; the default policy without it. */
  policy?: string;
}

export interface ClusterInfo {
  name: string;
  clusterId: string;
  region: string;
  objectId: string;
  keySets: KeySet[];
  tokenAudience: string;
  agentAccount: string;
  namespaces: string[];
  servingNames: string[];
  ttl: TtlSeconds;
  trustedNodeAccounts: string[];
  /** JSON text */
  policy: string;
  enabled: boolean;
  epoch: number;
  /** The epoch the cluster's issuer has acknowledged; the configuration is enforced when it equals `epoch`. */
  acknowledgedEpoch: number | null;
  createdAt: number;
}

export interface CertifyRequest {
  cluster: string;
  purpose: 'svid' | 'serving';
  /** base64 DER SubjectPublicKeyInfo, P-256 */
  spki: string;
}

export interface Certified {
  /** base64 DER */
  certificate: string;
  rootId: string;
  notBefore: number;
  notAfter: number;
}

export interface ClusterKeysInput {
  /** One that the cluster is enrolled with; that of its own API server where absent. */
  issuer?: string;
  jwks: { keys: TokenKey[] };
}

export interface ClusterKeysSet {
  enforced: boolean;
  epoch: number;
  issuer: string;
  /** RFC 7638 thumbprints. */
  before: string[];
  after: string[];
}

export interface TrustDomainRpc {
  /** Called by the directory; repeating it changes nothing. */
  initialise(input: { instanceId: string; name: string }): RpcReply<null>;
  createRoot(
    actor: Actor,
    input: { keyType: 'ec-p256' | 'ec-p384'; name?: string },
    idempotencyKey?: string,
  ): RpcReply<RootInfo>;
  listRoots(): RpcReply<RootInfo[]>;
  getRoot(id: string): RpcReply<RootInfo>;
  enrolCluster(actor: Actor, input: ClusterConfigInput, idempotencyKey?: string): RpcReply<ClusterInfo>;
  listClusters(): RpcReply<ClusterInfo[]>;
  getCluster(name: string): RpcReply<ClusterInfo>;
  /** `enforced` only after the cluster's issuer acknowledged; else the push is retried by schedule. */
  disableCluster(actor: Actor, name: string): RpcReply<{ enforced: boolean; epoch: number }>;
  /** Replaces the keys of one of the cluster's token issuers. `enforced` as of `disableCluster`. */
  setClusterKeys(actor: Actor, cluster: string, input: ClusterKeysInput): RpcReply<ClusterKeysSet>;
  revoke(actor: Actor, cluster: string, input: RevocationInput): RpcReply<Revocation>;
  liftRevocation(actor: Actor, cluster: string, mark: RevocationMark): RpcReply<Revocation>;
  bundle(): RpcReply<BundleDocument>;
  /** Called by the cluster's issuer. */
  certify(request: CertifyRequest): RpcReply<Certified>;
  appendAudit(entry: NewAuditEntry): RpcReply<null>;
  audit(page: PageRequest): RpcReply<Page<AuditEntry>>;
}

// ---- ClusterIssuer --------------------------------------------------------------------------------------------------

/** Everything a cluster's issuer has to know, pushed by its trust domain. */
export interface ConfigPush {
  instanceId: string;
  trustDomain: string;
  trustDomainObjectId: string;
  epoch: number;
  enabled: boolean;
  cluster: string;
  clusterId: string;
  region: string;
  keySets: KeySet[];
  tokenAudience: string;
  agentAccount: string;
  namespaces: string[];
  servingNames: string[];
  ttl: TtlSeconds;
  trustedNodeAccounts: string[];
  policy: string;
  bundle: { version: number; roots: string[]; crossCertificates: string[] };
}

export interface ConfigAck {
  /** The epoch that is enforced now: the pushed one, or a newer one that was already there. */
  epoch: number;
  /** Whether the intermediates and the answer key exist; if not, the schedule goes on trying. */
  ready: boolean;
}

/** What the Worker verifies tokens and requests by. Cached there for at most 30 s. */
export interface ConfigSnapshot {
  epoch: number;
  enabled: boolean;
  trustDomain: string;
  cluster: string;
  clusterId: string;
  namespaces: string[];
  trustedNodeAccounts: string[];
  agentAccount: string;
  keySets: KeySet[];
  tokenAudience: string;
  servingNames: string[];
  ttl: TtlSeconds;
  evidence: { kid: string; privateJwk: { kty: 'EC'; crv: 'P-256'; x: string; y: string; d: string } };
  boot: string;
  tokensLeaveCluster: true;
}

export type EvidenceLevel = 'token' | 'token+agent' | 'agent';

/** One row of `current` or of `history`. */
export interface LedgerRow {
  /** hex, 32 digits */
  serial: string;
  /** The SPIFFE ID, or `dns:a,b` for a serving certificate. */
  identity: string;
  podUid: string;
  node: string;
  /** ms since 1970 */
  issuedAt: number;
  notAfter: number;
  /** id of the intermediate */
  issuer: string;
  bundleVersion: number;
  level: EvidenceLevel;
  requestId: string;
  /** Whether a renewal of it would be refused, and by which mark. */
  revoked: RevocationKind | null;
}

/** What is marked: the holder of a certificate by its serial, a SPIFFE ID, or the name of a node. */
export type RevocationKind = 'certificate' | 'identity' | 'node';

export interface RevocationMark {
  kind: RevocationKind;
  /** hex of 32 digits, SPIFFE ID, or node */
  subject: string;
}

export interface RevocationInput extends RevocationMark {
  reason: string;
}

/** A mark by which renewals are refused. */
export interface Revocation extends RevocationInput {
  /** ms since 1970 */
  at: number;
  /** Name of the token that made it. */
  by: string;
}

/** At most one of the three filters. */
export interface CertificateQuery extends PageRequest {
  identity?: string;
  node?: string;
  serial?: string;
}

export interface LedgerCounts {
  /** Rows of `current`: who holds or held a certificate that has not been swept yet. `atLeast` when counting stopped early. */
  current: number;
  atLeast: boolean;
  issuedLastHour: number;
  issuedLastDay: number;
  live: { issuer: string; bundleVersion: number; notAfter: number }[];
}

export interface IssuerHealth {
  configured: boolean;
  ready: boolean;
  enabled: boolean;
  epoch: number | null;
  boot: string;
  overdueTasks: string[];
}

/** `u32be length of the header | JSON {status, headers} | body`, all made and signed by the object. */
export type PackedAnswer = Rpc<Uint8Array>;

export interface ClusterIssuerRpc {
  configure(push: ConfigPush): RpcReply<ConfigAck>;
  snapshot(): RpcReply<ConfigSnapshot>;
  /** `requestSignature`: the bare base64 text between the colons of the agent's `signature: sig=:…:`. */
  trust(requestSignature: string): Promise<PackedAnswer>;
  /** Packed by `encodeIssueRequest`. Fails with `stale-epoch` before anything was decided. */
  issue(packed: Uint8Array): Promise<PackedAnswer>;
  /** Packed by `encodeServingRequest`. */
  serving(packed: Uint8Array): Promise<PackedAnswer>;
  /** A problem document, signed for an authenticated agent. */
  answerProblem(status: number, problem: Problem, requestSignature: string): Promise<PackedAnswer>;
  certificates(query: CertificateQuery): RpcReply<Page<LedgerRow>>;
  counts(): RpcReply<LedgerCounts>;
  /** Called by the trust domain, which audits it. Nothing it concerns is issued after the answer. */
  revoke(actor: Actor, input: RevocationInput): RpcReply<Revocation>;
  liftRevocation(mark: RevocationMark): RpcReply<Revocation>;
  revocations(): RpcReply<Revocation[]>;
  health(): RpcReply<IssuerHealth>;
}

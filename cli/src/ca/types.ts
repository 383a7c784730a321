/** What the CA's admin API answers; the shapes of `/openapi.json`. */

export type Role = 'viewer' | 'operator' | 'admin';

export interface BootstrapAnswer {
  instanceId: string;
  /** The first admin's token: shown once, stored by the CA as a hash only. */
  token: string;
}

export interface TrustDomain {
  name: string;
}

export interface Root {
  id: string;
  name: string;
  keyType: string;
  state: string;
  /** hex SHA-256 of the certificate */
  fingerprint: string;
  /** base64 DER */
  certificate: string;
  /** ms since 1970 */
  notBefore: number;
  notAfter: number;
}

export interface JsonWebKeySet {
  keys: object[];
}

interface TtlSeconds {
  floor: number;
  default: number;
  maximum: number;
}

export interface ClusterInput {
  name: string;
  clusterId: string;
  region: string;
  tokenIssuer: string;
  tokenAudience: string;
  jwks: JsonWebKeySet;
  extraKeySets?: { issuer: string; keys: object[] }[];
  agentAccount: string;
  namespaces: string[];
  confirmAllNamespaces?: boolean;
  servingNames: string[];
  ttl: TtlSeconds;
  trustedNodeAccounts: string[];
  policy?: string;
}

export interface Cluster {
  name: string;
  clusterId: string;
  region: string;
  keySets: { issuer: string; keys: { kid?: string; kty: string }[] }[];
  tokenAudience: string;
  agentAccount: string;
  namespaces: string[];
  servingNames: string[];
  ttl: TtlSeconds;
  trustedNodeAccounts: string[];
  enabled: boolean;
  epoch: number;
  acknowledgedEpoch: number | null;
}

export interface LedgerRow {
  serial: string;
  identity: string;
  podUid: string;
  node: string;
  issuedAt: number;
  notAfter: number;
  issuer: string;
  bundleVersion: number;
  level: string;
  requestId: string;
  /** By which mark a renewal of it would be refused. */
  revoked: RevocationKind | null;
}

type RevocationKind = 'certificate' | 'identity' | 'node';

export interface RevocationMark {
  kind: RevocationKind;
  /** serial in hex, SPIFFE ID, or name of a node */
  subject: string;
}

export interface Revocation extends RevocationMark {
  reason: string;
  /** ms since 1970 */
  at: number;
  by: string;
}

export interface Page<T> {
  rows: T[];
  next: string | null;
}

export interface LedgerCounts {
  current: number;
  atLeast: boolean;
  issuedLastHour: number;
  issuedLastDay: number;
  live: { issuer: string; bundleVersion: number; notAfter: number }[];
}

export interface ApiToken {
  id: string;
  name: string;
  role: Role;
  trustDomains: '*' | string[];
  createdAt: number;
  createdBy: string;
  expiresAt: number;
  revokedAt: number | null;
  /** To the hour. */
  lastUsedAt: number | null;
}

export interface AuditEntry {
  id: number;
  /** ms since 1970 */
  at: number;
  actor: { id: string; name: string; role: Role };
  action: string;
  subject: string;
  outcome: 'done' | 'refused';
  detail: Record<string, string | number | boolean | string[]>;
  /** hex SHA-256 over this entry and the hash of the one before */
  hash: string;
}

export interface ClusterKeysSet {
  enforced: boolean;
  epoch: number;
  issuer: string;
  /** RFC 7638 thumbprints. */
  before: string[];
  after: string[];
}

/** Of the deployment, for anybody. */
export interface Health {
  status: 'ok' | 'unavailable';
  code: string | null;
  reason: string | null;
  bootstrapped: boolean;
}

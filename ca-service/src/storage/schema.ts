import type { Migration } from './migrations.ts';

/**
 * The stored format of each object. It is irreversible: a released migration never changes, the next one is appended.
 * docs/STORAGE.md says what each table is for, and a test compares it with what stands here.
 */

/** Tables every object has: single values, the check values of the KEK, and the tasks behind the one alarm. */
const common = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,
  `CREATE TABLE kek_checks (version TEXT PRIMARY KEY, value BLOB NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID`,
  `CREATE TABLE schedule (
     task TEXT PRIMARY KEY, due INTEGER NOT NULL, attempts INTEGER NOT NULL, last_error TEXT) WITHOUT ROWID`,
] as const;

const audit = `CREATE TABLE audit (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor_id TEXT NOT NULL, actor_name TEXT NOT NULL,
  actor_role TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL,
  hash TEXT NOT NULL)`;

const idempotency = `CREATE TABLE idempotency (
  actor_id TEXT NOT NULL, key TEXT NOT NULL, request_hash TEXT NOT NULL, response TEXT NOT NULL,
  created_at INTEGER NOT NULL, PRIMARY KEY (actor_id, key)) WITHOUT ROWID`;

export const directorySchema: readonly Migration[] = [
  {
    id: 1,
    name: 'initial',
    oldestCode: 1,
    statements: [
      ...common,
      audit,
      idempotency,
      `CREATE TABLE api_tokens (
         id TEXT PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, role TEXT NOT NULL, trust_domains TEXT NOT NULL,
         created_at INTEGER NOT NULL, created_by TEXT NOT NULL, expires_at INTEGER NOT NULL, revoked_at INTEGER,
         last_used_at INTEGER) WITHOUT ROWID`,
      `CREATE TABLE trust_domains (
         name TEXT PRIMARY KEY, object_id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL, initialised_at INTEGER) WITHOUT ROWID`,
      `CREATE TABLE clusters (
         trust_domain TEXT NOT NULL, name TEXT NOT NULL, object_id TEXT NOT NULL UNIQUE, region TEXT NOT NULL,
         enrolled_at INTEGER NOT NULL, PRIMARY KEY (trust_domain, name)) WITHOUT ROWID`,
    ],
  },
];

export const trustDomainSchema: readonly Migration[] = [
  {
    id: 1,
    name: 'initial',
    oldestCode: 1,
    statements: [
      ...common,
      audit,
      idempotency,
      `CREATE TABLE roots (
         id TEXT PRIMARY KEY, name TEXT NOT NULL, key_type TEXT NOT NULL, state TEXT NOT NULL, fingerprint TEXT NOT NULL UNIQUE,
         certificate BLOB NOT NULL, wrapped_key BLOB, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,
         created_at INTEGER NOT NULL) WITHOUT ROWID`,
      `CREATE UNIQUE INDEX roots_active ON roots (state) WHERE state = 'active'`,
      `CREATE TABLE cross_certificates (
         subject_root TEXT NOT NULL REFERENCES roots (id), issuer_root TEXT NOT NULL REFERENCES roots (id),
         certificate BLOB NOT NULL, not_after INTEGER NOT NULL, created_at INTEGER NOT NULL,
         PRIMARY KEY (subject_root, issuer_root)) WITHOUT ROWID`,
      `CREATE TABLE intermediates (
         fingerprint TEXT PRIMARY KEY, cluster TEXT NOT NULL, purpose TEXT NOT NULL, root TEXT NOT NULL,
         certificate BLOB NOT NULL, not_after INTEGER NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID`,
      `CREATE TABLE clusters (
         name TEXT PRIMARY KEY, object_id TEXT NOT NULL UNIQUE, region TEXT NOT NULL, config TEXT NOT NULL,
         enabled INTEGER NOT NULL, epoch INTEGER NOT NULL, acknowledged_epoch INTEGER, registered_at INTEGER,
         created_at INTEGER NOT NULL) WITHOUT ROWID`,
      `CREATE TABLE cluster_keys (
         issuer TEXT NOT NULL, thumbprint TEXT NOT NULL, cluster TEXT NOT NULL, PRIMARY KEY (issuer, thumbprint)) WITHOUT ROWID`,
    ],
  },
];

export const clusterIssuerSchema: readonly Migration[] = [
  {
    id: 1,
    name: 'initial',
    oldestCode: 1,
    statements: [
      ...common,
      `CREATE TABLE config (only INTEGER PRIMARY KEY CHECK (only = 1), epoch INTEGER NOT NULL, document TEXT NOT NULL)`,
      `CREATE TABLE intermediates (
         id TEXT PRIMARY KEY, purpose TEXT NOT NULL, root TEXT NOT NULL, certificate BLOB NOT NULL, wrapped_key BLOB NOT NULL,
         not_before INTEGER NOT NULL, not_after INTEGER NOT NULL, created_at INTEGER NOT NULL, replaced_at INTEGER) WITHOUT ROWID`,
      `CREATE UNIQUE INDEX intermediates_current ON intermediates (purpose) WHERE replaced_at IS NULL`,
      `CREATE TABLE service_keys (
         id TEXT PRIMARY KEY, purpose TEXT NOT NULL, public_key BLOB NOT NULL, wrapped_key BLOB NOT NULL, certificate BLOB,
         issuer TEXT, not_after INTEGER, created_at INTEGER NOT NULL, replaced_at INTEGER) WITHOUT ROWID`,
      `CREATE UNIQUE INDEX service_keys_current ON service_keys (purpose) WHERE replaced_at IS NULL`,
      // Pod first: the rows of one node's caller share pages. Nothing a renewal changes is indexed.
      `CREATE TABLE current (
         pod_uid TEXT NOT NULL, identity TEXT NOT NULL, node INTEGER NOT NULL, serial BLOB NOT NULL, issued_at INTEGER NOT NULL,
         not_after INTEGER NOT NULL, issuer INTEGER NOT NULL, bundle_version INTEGER NOT NULL, level INTEGER NOT NULL,
         request_id TEXT NOT NULL, PRIMARY KEY (pod_uid, identity)) WITHOUT ROWID`,
      `CREATE INDEX current_identity ON current (identity)`,
      `CREATE TABLE live (
         issuer INTEGER NOT NULL, bundle_version INTEGER NOT NULL, not_after INTEGER NOT NULL,
         PRIMARY KEY (issuer, bundle_version)) WITHOUT ROWID`,
      `CREATE TABLE revocations (
         kind TEXT NOT NULL, subject TEXT NOT NULL, pod_uid TEXT, identity TEXT, at INTEGER NOT NULL, actor_name TEXT NOT NULL,
         reason TEXT NOT NULL, PRIMARY KEY (kind, subject)) WITHOUT ROWID`,
      `CREATE TABLE names (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)`,
      `CREATE TABLE history (batch INTEGER PRIMARY KEY, count INTEGER NOT NULL, records BLOB NOT NULL)`,
      `CREATE TABLE history_runs (
         run INTEGER PRIMARY KEY, first_batch INTEGER NOT NULL, last_batch INTEGER NOT NULL, count INTEGER NOT NULL)`,
      `CREATE TABLE history_serials (
         run INTEGER NOT NULL, first BLOB NOT NULL, entries BLOB NOT NULL, PRIMARY KEY (run, first)) WITHOUT ROWID`,
    ],
  },
];

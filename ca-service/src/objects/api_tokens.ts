import { fail } from './outcome.ts';
import type { Authenticated, Role, TokenInfo, TokenInput } from './rpc.ts';

type Row = {
  id: string;
  name: string;
  hash: string;
  role: string;
  trust_domains: string;
  created_at: number;
  created_by: string;
  expires_at: number;
  revoked_at: number | null;
  last_used_at: number | null;
};

/** The last use is kept to the hour: a write for each read would cost more than it tells. */
const USE_ACCURACY_MS = 3_600_000;

/**
 * API tokens of admins, kept as SHA-256 of 256 random bits: a hash of that much randomness needs no salt and no
 * slow function. Rows stay after revocation, for the audit.
 */
export class ApiTokens {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  create(input: TokenInput, createdBy: string, now: number): TokenInfo {
    const { id, name, tokenHash, role, trustDomains, expiresAt } = input;
    if (!/^[A-Za-z0-9_-]{43}$/.test(tokenHash)) fail('invalid', 'tokenHash is not base64url of a SHA-256');
    if (expiresAt <= now) fail('invalid', 'the token would be expired already');
    const taken = this.#sql.exec('SELECT 1 FROM api_tokens WHERE id = ? OR hash = ?', id, tokenHash).toArray();
    if (taken.length > 0) fail('already-exists', `a token with the id ${id}, or with this hash, exists`);
    this.#sql.exec(
      'INSERT INTO api_tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)',
      id,
      name,
      tokenHash,
      role,
      JSON.stringify(trustDomains),
      now,
      createdBy,
      expiresAt,
    );
    return { id, name, role, trustDomains, createdAt: now, createdBy, expiresAt, revokedAt: null, lastUsedAt: null };
  }

  /** Null for unknown, expired and revoked alike: who guesses learns nothing. */
  authenticate(tokenHash: string, now: number): Authenticated | null {
    const [row] = this.#sql
      .exec<Row>('SELECT * FROM api_tokens WHERE hash = ? AND expires_at > ? AND revoked_at IS NULL', tokenHash, now)
      .toArray();
    if (row === undefined) return null;
    const { id, name, role, trustDomains, expiresAt, lastUsedAt } = info(row);
    if (lastUsedAt === null || now - lastUsedAt >= USE_ACCURACY_MS) {
      this.#sql.exec('UPDATE api_tokens SET last_used_at = ? WHERE id = ?', now, id);
    }
    return { actor: { id, name, role }, trustDomains, expiresAt };
  }

  list(): TokenInfo[] {
    return this.#sql.exec<Row>('SELECT * FROM api_tokens ORDER BY created_at DESC, id LIMIT 1000').toArray().map(info);
  }

  /** Repeating it changes nothing. The last admin of everything stays: without one nobody could make another. */
  revoke(id: string, now: number): TokenInfo {
    const [row] = this.#sql.exec<Row>('SELECT * FROM api_tokens WHERE id = ?', id).toArray();
    if (row === undefined) fail('not-found', `no token has the id ${id}`, { fix: 'ambient-ca api-token list' });
    if (row.revoked_at !== null) return info(row);
    const others = this.#sql
      .exec(
        `SELECT 1 FROM api_tokens WHERE role = 'admin' AND trust_domains = '"*"' AND revoked_at IS NULL AND expires_at > ? AND id <> ?`,
        now,
        id,
      )
      .toArray();
    const isAdminOfAll = row.role === 'admin' && row.trust_domains === '"*"' && row.expires_at > now;
    if (isAdminOfAll && others.length === 0) {
      fail('last-admin', 'this is the last admin token for all trust domains that has not expired', {
        fix: 'ambient-ca api-token create --role admin',
      });
    }
    this.#sql.exec('UPDATE api_tokens SET revoked_at = ? WHERE id = ?', now, id);
    return { ...info(row), revokedAt: now };
  }
}

function info(row: Row): TokenInfo {
  return {
    id: row.id,
    name: row.name,
    role: row.role as Role,
    trustDomains: JSON.parse(row.trust_domains) as '*' | string[],
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  };
}

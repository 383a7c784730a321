import { auditHash, GENESIS } from '../client/audit_chain.ts';
import type { AuditEntry, NewAuditEntry, Page, PageRequest, Role } from '../objects/rpc.ts';
import { formatCursor, pageLimit, parseCursor } from './page.ts';

type Row = {
  id: number;
  at: number;
  actor_id: string;
  actor_name: string;
  actor_role: string;
  action: string;
  subject: string;
  outcome: string;
  detail: string;
  hash: string;
};

/** Who did what, in the order it happened: a chain of hashes, to which rows are only ever added. */
export class AuditLog {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  append(entry: NewAuditEntry, now: number): void {
    const { actor, action, subject, outcome, detail } = entry;
    const [last = GENESIS] = this.#sql
      .exec<{ id: number; hash: string }>('SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1')
      .toArray();
    const id = last.id + 1;
    this.#sql.exec(
      `INSERT INTO audit (id, at, actor_id, actor_name, actor_role, action, subject, outcome, detail, hash)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      now,
      actor.id,
      actor.name,
      actor.role,
      action,
      subject,
      outcome,
      JSON.stringify(detail),
      auditHash(last.hash, { id, at: now, ...entry }),
    );
  }

  page(request: PageRequest): Page<AuditEntry> {
    const limit = pageLimit(request);
    const after = request.cursor === undefined ? 0 : parseCursor(request.cursor, ['number'])[0];
    const rows = this.#sql
      .exec<Row>('SELECT * FROM audit WHERE id > ? ORDER BY id LIMIT ?', after, limit)
      .toArray()
      .map(entry);
    const last = rows.at(-1);
    return { rows, next: rows.length < limit || last === undefined ? null : formatCursor([last.id]) };
  }
}

function entry(row: Row): AuditEntry {
  return {
    id: row.id,
    at: row.at,
    actor: { id: row.actor_id, name: row.actor_name, role: row.actor_role as Role },
    action: row.action,
    subject: row.subject,
    outcome: row.outcome as AuditEntry['outcome'],
    detail: JSON.parse(row.detail) as AuditEntry['detail'],
    hash: row.hash,
  };
}

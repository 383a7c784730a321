import { PkiError } from '../../../pki/src/errors.ts';
import { parseIdentity } from '../../../pki/src/spiffe_id.ts';
import { fail } from '../objects/outcome.ts';
import type { UnmarkedRow } from './read.ts';
import type { Actor, Revocation, RevocationInput, RevocationKind, RevocationMark } from '../objects/rpc.ts';

type Row = {
  kind: RevocationKind;
  subject: string;
  pod_uid: string | null;
  identity: string | null;
  at: number;
  actor_name: string;
  reason: string;
};

/** Who asks for what, of which a mark may hold. */
export type Holder = Pick<UnmarkedRow, 'podUid' | 'identity' | 'node'>;

/** Marks of one cluster: beyond these, what is meant is to disable it or to end the namespace's enrolment. */
const MAX_MARKS = 10_000;
/** As Kubernetes names nodes. */
const NODE = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/**
 * Marks that end renewals: of the holder of a certificate, of an identity, of everything on a node. What is out stays valid until it
 * expires. They are read in the turn that decides, so none is issued after the answer to `add`.
 */
export class Revocations {
  readonly #sql: SqlStorage;
  /** `kind subject` → its mark, the kind of a certificate by its holder, too. */
  readonly #marks = new Map<string, Row>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    for (const row of sql.exec<Row>('SELECT * FROM revocations').toArray()) this.#remember(row);
  }

  /** Repeating it changes nothing. @param find the ledger's row of a serial */
  add(
    { kind, subject, reason }: RevocationInput,
    {
      actor,
      now,
      trustDomain,
      find,
    }: { actor: Actor; now: number; trustDomain: string; find: (serial: string) => UnmarkedRow | null },
  ): Revocation {
    const known = this.#marks.get(keyOf(kind, subject));
    if (known !== undefined) return revocation(known);
    const { n } = this.#sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM revocations').one();
    if (n >= MAX_MARKS) {
      fail('invalid', `the cluster has ${MAX_MARKS} marks already`, { fix: 'ambient-ca cluster disable' });
    }
    const holder = kind === 'certificate' ? holderOf(subject, find) : null;
    if (kind === 'identity') checkIdentity(subject, trustDomain);
    if (kind === 'node' && !NODE.test(subject)) fail('invalid', `${subject} is not the name of a Kubernetes node`);
    const row = { kind, subject, pod_uid: holder?.podUid ?? null, identity: holder?.identity ?? null };
    const mark: Row = { ...row, at: now, actor_name: actor.name, reason };
    this.#sql.exec(
      'INSERT INTO revocations VALUES (?, ?, ?, ?, ?, ?, ?)',
      mark.kind,
      mark.subject,
      mark.pod_uid,
      mark.identity,
      mark.at,
      mark.actor_name,
      mark.reason,
    );
    this.#remember(mark);
    return revocation(mark);
  }

  /** Ends a mark. @throws ObjectError `not-found` */
  lift({ kind, subject }: RevocationMark): Revocation {
    const mark = this.#marks.get(keyOf(kind, subject));
    if (mark === undefined)
      fail('not-found', `no ${kind} ${subject} is revoked`, { fix: 'ambient-ca cert revocations' });
    this.#sql.exec('DELETE FROM revocations WHERE kind = ? AND subject = ?', kind, subject);
    this.#marks.delete(keyOf(kind, subject));
    this.#marks.delete(holderKey(mark.pod_uid, mark.identity));
    // The holder may be marked by another of its certificates.
    if (kind === 'certificate') this.#rememberHolder(mark);
    return revocation(mark);
  }

  list(): Revocation[] {
    return this.#sql.exec<Row>('SELECT * FROM revocations ORDER BY at, kind, subject').toArray().map(revocation);
  }

  /** The mark that holds for a renewal, or null. */
  of({ podUid, identity, node }: Holder): Revocation | null {
    // Nearly always: asked for each item of each batch.
    if (this.#marks.size === 0) return null;
    const mark =
      this.#marks.get(keyOf('identity', identity)) ??
      this.#marks.get(keyOf('node', node)) ??
      this.#marks.get(holderKey(podUid, identity));
    return mark === undefined ? null : revocation(mark);
  }

  #remember(row: Row): void {
    this.#marks.set(keyOf(row.kind, row.subject), row);
    if (row.kind === 'certificate') this.#marks.set(holderKey(row.pod_uid, row.identity), row);
  }

  #rememberHolder({ pod_uid, identity }: Row): void {
    const [other] = this.#sql
      .exec<Row>('SELECT * FROM revocations WHERE pod_uid = ? AND identity = ? LIMIT 1', pod_uid, identity)
      .toArray();
    if (other !== undefined) this.#remember(other);
  }
}

const keyOf = (kind: RevocationKind, subject: string): string => `${kind} ${subject}`;
const holderKey = (podUid: string | null, identity: string | null): string => `holder ${podUid} ${identity}`;

function holderOf(serial: string, find: (serial: string) => UnmarkedRow | null): UnmarkedRow {
  const row = find(serial);
  if (row === null) {
    fail('not-found', `the ledger of the cluster has no certificate ${serial}`, { fix: 'ambient-ca cert list' });
  }
  if (!row.identity.startsWith('spiffe://')) {
    fail('invalid', 'this is the serving certificate of the agent, which is replaced and not revoked', {
      fix: 'ambient-ca cluster disable',
    });
  }
  return row;
}

function checkIdentity(subject: string, trustDomain: string): void {
  try {
    if (parseIdentity(subject).trustDomain === trustDomain) return;
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    fail('invalid', `${subject} is not an identity: ${error.message}`);
  }
  fail('invalid', `${subject} is not an identity of ${trustDomain}`);
}

function revocation({ kind, subject, at, actor_name, reason }: Row): Revocation {
  return { kind, subject, at, by: actor_name, reason };
}

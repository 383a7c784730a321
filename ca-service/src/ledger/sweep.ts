/** Rows looked at in one go, so that issuance waits for a few milliseconds at most. */
const SLICE = 2_000;
/** An expired row is kept for a while: who asks what a pod held has usually just seen it fail. */
const KEPT_MS = 24 * 60 * 60_000;

/**
 * Removes what has long expired from `current`, one slice of the key order at a time, because an index on notAfter would
 * be rewritten by every renewal. `from` and the answer are positions; null stands for the start and the end.
 */
export function sweepCurrent(
  sql: SqlStorage,
  from: { podUid: string; identity: string } | null,
  now: number,
): { podUid: string; identity: string } | null {
  const [end] = sql
    .exec<{ pod_uid: string; identity: string }>(
      `SELECT pod_uid, identity FROM current WHERE (pod_uid, identity) > (?, ?)
       ORDER BY pod_uid, identity LIMIT 1 OFFSET ?`,
      from?.podUid ?? '',
      from?.identity ?? '',
      SLICE - 1,
    )
    .toArray();
  // The bound is left out on the last slice: with an OR in it the statement would walk to the end of the table each time.
  const bounds = [from?.podUid ?? '', from?.identity ?? '', now - KEPT_MS];
  const remove = 'DELETE FROM current WHERE (pod_uid, identity) > (?, ?) AND not_after < ?';
  if (end === undefined) sql.exec(remove, ...bounds);
  else sql.exec(`${remove} AND (pod_uid, identity) <= (?, ?)`, ...bounds, end.pod_uid, end.identity);
  return end === undefined ? null : { podUid: end.pod_uid, identity: end.identity };
}

/** A `live` row that has passed says nothing any more: it is the greatest end, and it is over. */
export function sweepLive(sql: SqlStorage, now: number): void {
  sql.exec('DELETE FROM live WHERE not_after < ?', now);
}

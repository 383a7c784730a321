import type { Log } from '../log.ts';

/** Does one task; `argument` is what follows the colon of its name. Answers when to run again (ms), or null when done. */
export type TaskHandler = (argument: string) => Promise<number | null> | number | null;

export interface ScheduleOptions {
  storage: DurableObjectStorage;
  /** By the part of a task's name before the colon. */
  handlers: Readonly<Record<string, TaskHandler>>;
  now: () => number;
  log: Log;
}

/** A task this late is run by the next request: the alarm was lost, or the platform is slow. */
const OVERDUE_MS = 5_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 15 * 60_000;
/** A task of a newer version of this service is kept for it. */
const UNKNOWN_RETRY_MS = 60 * 60_000;

/**
 * All timed work of an object. There is one alarm per object, so tasks stand in a table and the alarm is set to the
 * earliest. Tasks run one after another and at least once: a handler must bear being repeated.
 */
export class Schedule {
  readonly #storage: DurableObjectStorage;
  readonly #handlers: Readonly<Record<string, TaskHandler>>;
  readonly #now: () => number;
  readonly #log: Log;
  #nextDue: number;
  #running: Promise<void> | null = null;

  constructor({ storage, handlers, now, log }: ScheduleOptions) {
    this.#storage = storage;
    this.#handlers = handlers;
    this.#now = now;
    this.#log = log;
    this.#nextDue = this.#earliest();
  }

  /** Plans a task, or moves it forward; it is never put off, because whoever planned it first had a reason. */
  plan(task: string, due: number): void {
    this.#storage.sql.exec(
      `INSERT INTO schedule VALUES (?, ?, 0, NULL)
       ON CONFLICT (task) DO UPDATE SET due = MIN(due, excluded.due)`,
      task,
      Math.round(due),
    );
    this.#arm();
  }

  cancel(task: string): void {
    this.#storage.sql.exec('DELETE FROM schedule WHERE task = ?', task);
    this.#arm();
  }

  /** Runs everything that is due. Never throws: an exception in an alarm handler would use up its few retries. */
  run(): Promise<void> {
    this.#running ??= this.#runDue().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Called by requests: costs a comparison, and starts what the alarm should have run. */
  noticeOverdue(): void {
    if (this.#nextDue + OVERDUE_MS < this.#now()) void this.run();
  }

  overdue(): string[] {
    return this.#storage.sql
      .exec<{ task: string }>(
        'SELECT task FROM schedule WHERE due < ? ORDER BY due LIMIT 100',
        this.#now() - OVERDUE_MS,
      )
      .toArray()
      .map(({ task }) => task);
  }

  async #runDue(): Promise<void> {
    try {
      const due = this.#storage.sql
        .exec<{
          task: string;
          attempts: number;
        }>('SELECT task, attempts FROM schedule WHERE due <= ? ORDER BY due', this.#now())
        .toArray();
      for (const { task, attempts } of due) await this.#runOne(task, attempts);
      // The alarm that led here is spent, so it is set even where the earliest task is the same.
      this.#nextDue = Number.NaN;
      this.#arm();
    } catch (error) {
      this.#log('schedule-failed', { reason: text(error) });
      void this.#storage.setAlarm(this.#now() + LAST_RETRY_MS);
    }
  }

  async #runOne(task: string, attempts: number): Promise<void> {
    const colon = task.indexOf(':');
    const handler = this.#handlers[colon < 0 ? task : task.slice(0, colon)];
    if (handler === undefined) {
      this.#postpone(task, this.#now() + UNKNOWN_RETRY_MS, attempts, 'no such task in this version');
      return;
    }
    // Claimed by a later due before it runs. A task that was planned again meanwhile has another due, and then the new plan stands.
    const claim = this.#now() + LAST_RETRY_MS;
    this.#postpone(task, claim, attempts, null);
    try {
      const next = await handler(colon < 0 ? '' : task.slice(colon + 1));
      if (next === null) this.#storage.sql.exec('DELETE FROM schedule WHERE task = ? AND due = ?', task, claim);
      else this.#postpone(task, next, 0, null, claim);
    } catch (error) {
      const delay = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts, 20));
      this.#log('task-failed', { task, attempts: attempts + 1, reason: text(error) });
      this.#postpone(task, this.#now() + delay, attempts + 1, text(error), claim);
    }
  }

  #postpone(task: string, due: number, attempts: number, error: string | null, claim: number | null = null): void {
    this.#storage.sql.exec(
      'UPDATE schedule SET due = ?, attempts = ?, last_error = ? WHERE task = ? AND (?5 IS NULL OR due = ?5)',
      Math.round(due),
      attempts,
      error,
      task,
      claim,
    );
  }

  #earliest(): number {
    return this.#storage.sql.exec<{ due: number | null }>('SELECT MIN(due) AS due FROM schedule').one().due ?? Infinity;
  }

  /** Sets the one alarm to the earliest task. Not awaited: it is written with the rows, before any answer leaves. */
  #arm(): void {
    const due = this.#earliest();
    if (due === this.#nextDue) return;
    this.#nextDue = due;
    void (due === Infinity ? this.#storage.deleteAlarm() : this.#storage.setAlarm(due));
  }
}

function text(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

import { describe, expect, it } from 'vitest';
import { Schedule, type TaskHandler } from '../../../ca-service/src/storage/schedule.ts';
import { withStorage } from '../support/storage.ts';

interface Bench {
  storage: DurableObjectStorage;
  schedule: Schedule;
  clock: { now: number };
  ran: string[];
  log: string[];
  row: (task: string) => { due: number; attempts: number; last_error: string | null } | undefined;
}

function bench(run: (bench: Bench) => Promise<void>, handlers: Record<string, TaskHandler> = {}): Promise<void> {
  return withStorage(async (storage) => {
    const clock = { now: 4_102_444_800_000 };
    const ran: string[] = [];
    const log: string[] = [];
    const schedule = new Schedule({
      storage,
      handlers: {
        once: (argument) => {
          ran.push(`once ${argument}`);
          return null;
        },
        hourly: () => {
          ran.push('hourly');
          return clock.now + 3_600_000;
        },
        broken: () => {
          throw new Error('out of order');
        },
        ...handlers,
      },
      now: () => clock.now,
      log: (event) => log.push(event),
    });
    type Row = { due: number; attempts: number; last_error: string | null };
    const row = (task: string): Row | undefined =>
      storage.sql.exec<Row>('SELECT due, attempts, last_error FROM schedule WHERE task = ?', task).toArray()[0];
    await run({ storage, schedule, clock, ran, log, row });
  });
}

describe('the schedule', () => {
  it('sets the one alarm to the earliest task', () =>
    bench(async ({ storage, schedule, clock }) => {
      schedule.plan('hourly', clock.now + 5_000);
      schedule.plan('once:a', clock.now + 1_000);
      schedule.plan('once:b', clock.now + 9_000);
      expect(await storage.getAlarm()).toBe(clock.now + 1_000);
      schedule.cancel('once:a');
      expect(await storage.getAlarm()).toBe(clock.now + 5_000);
      schedule.cancel('hourly');
      schedule.cancel('once:b');
      expect(await storage.getAlarm()).toBeNull();
    }));

  it('runs what is due with its argument, and only that', () =>
    bench(async ({ schedule, clock, ran, row }) => {
      schedule.plan('once:x:y', clock.now - 1);
      schedule.plan('hourly', clock.now);
      schedule.plan('once:later', clock.now + 1);
      await schedule.run();
      expect(ran).toEqual(['once x:y', 'hourly']);
      expect(row('once:x:y')).toBeUndefined();
      expect(row('hourly')).toMatchObject({ due: clock.now + 3_600_000, attempts: 0 });
    }));

  it('never puts a planned task off', () =>
    bench(async ({ schedule, clock, row }) => {
      schedule.plan('hourly', clock.now + 10);
      schedule.plan('hourly', clock.now + 90_000);
      expect(row('hourly')?.due).toBe(clock.now + 10);
      schedule.plan('hourly', clock.now + 5);
      expect(row('hourly')?.due).toBe(clock.now + 5);
      await schedule.run();
    }));

  it('tries a task that fails again, later and later, and runs the others', () =>
    bench(async ({ schedule, clock, ran, log, row, storage }) => {
      schedule.plan('broken', clock.now - 2);
      schedule.plan('once:a', clock.now - 1);
      await schedule.run();
      expect(ran).toEqual(['once a']);
      expect(log).toEqual(['task-failed']);
      expect(row('broken')).toEqual({ due: clock.now + 1_000, attempts: 1, last_error: 'Error: out of order' });
      const delays: number[] = [];
      for (let i = 0; i < 14; i++) {
        clock.now = row('broken')?.due ?? 0;
        await schedule.run();
        delays.push((row('broken')?.due ?? 0) - clock.now);
      }
      expect(delays.slice(0, 3)).toEqual([2_000, 4_000, 8_000]);
      expect(Math.max(...delays)).toBe(15 * 60_000);
      expect(await storage.getAlarm()).toBe(row('broken')?.due);
    }));

  it('keeps the tasks of a newer version', () =>
    bench(async ({ schedule, clock, row }) => {
      schedule.plan('unheard-of', clock.now);
      await schedule.run();
      expect(row('unheard-of')).toMatchObject({ due: clock.now + 3_600_000 });
    }));

  it('does not lose what is planned under a name while that task runs', () => {
    let replan: (() => void) | null = null;
    const self = (): null => {
      replan?.();
      return null;
    };
    return bench(
      async ({ schedule, clock, row }) => {
        replan = () => schedule.plan('self', clock.now + 7);
        schedule.plan('self', clock.now);
        await schedule.run();
        expect(row('self')?.due).toBe(clock.now + 7);
      },
      { self },
    );
  });

  it('runs once however often it is started at the same time', () =>
    bench(async ({ schedule, clock, ran }) => {
      schedule.plan('once:a', clock.now);
      await Promise.all([schedule.run(), schedule.run(), schedule.run()]);
      expect(ran).toEqual(['once a']);
    }));

  it('lets a request notice what the alarm should have run', () =>
    bench(async ({ schedule, clock, ran }) => {
      schedule.plan('once:a', clock.now);
      clock.now += 1_000;
      schedule.noticeOverdue();
      expect(ran).toEqual([]);
      expect(schedule.overdue()).toEqual([]);
      clock.now += 5_000;
      expect(schedule.overdue()).toEqual(['once:a']);
      schedule.noticeOverdue();
      await schedule.run();
      expect(ran).toEqual(['once a']);
    }));

  it('answers an alarm even when its table cannot be read', () =>
    bench(async ({ storage, schedule, clock, log }) => {
      schedule.plan('once:a', clock.now);
      storage.sql.exec('ALTER TABLE schedule RENAME TO elsewhere');
      await expect(schedule.run()).resolves.toBeUndefined();
      expect(log).toContain('schedule-failed');
      storage.sql.exec('ALTER TABLE elsewhere RENAME TO schedule');
    }));
});

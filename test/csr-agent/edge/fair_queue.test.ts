import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue, type Queued } from '../../../csr-agent/src/edge/fair_queue.ts';

const drain = <T extends Queued>(queue: FairQueue<T>): T[] => {
  const taken: T[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
};

const item = fc.record({
  callerKey: fc.constantFrom('a', 'b', 'c', 'd'),
  dueBy: fc.integer({ min: 0, max: 50 }),
  queuedAt: fc.integer({ min: 0, max: 50 }),
});

describe('the queue', () => {
  it('gives every item exactly once, less those that were removed', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(item, fc.boolean())), (entries) => {
        const queue = new FairQueue<Queued>();
        for (const [entry] of entries) queue.push(entry);
        for (const [entry, remove] of entries) if (remove) queue.remove(entry);
        const kept = entries.filter(([, remove]) => !remove).map(([entry]) => entry);
        expect(queue.size).toBe(kept.length);
        expect(new Set(drain(queue))).toEqual(new Set(kept));
        expect(queue.size).toBe(0);
      }),
    );
  });

  it('gives the items of one caller by when they are due, and among equals the oldest first', () => {
    fc.assert(
      fc.property(fc.array(item), (entries) => {
        const queue = new FairQueue<Queued>();
        for (const entry of entries) queue.push({ ...entry, callerKey: 'one' });
        const out = drain(queue);
        const sorted = out.toSorted((a, b) => a.dueBy - b.dueBy || a.queuedAt - b.queuedAt);
        expect(out.map(({ dueBy, queuedAt }) => [dueBy, queuedAt])).toEqual(
          sorted.map(({ dueBy, queuedAt }) => [dueBy, queuedAt]),
        );
      }),
    );
  });

  it('serves no caller twice more than another that waits', () => {
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 80 }), (entries) => {
        const queue = new FairQueue<Queued>();
        const left = new Map<string, number>();
        for (const entry of entries) {
          queue.push(entry);
          left.set(entry.callerKey, (left.get(entry.callerKey) ?? 0) + 1);
        }
        const served = new Map<string, number>();
        let widest = 0;
        for (const { callerKey } of drain(queue)) {
          served.set(callerKey, (served.get(callerKey) ?? 0) + 1);
          left.set(callerKey, (left.get(callerKey) ?? 0) - 1);
          for (const [other, waiting] of left) {
            if (waiting > 0) widest = Math.max(widest, (served.get(callerKey) ?? 0) - (served.get(other) ?? 0));
          }
        }
        expect(widest).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('lets a caller that comes late begin where the others are, not where they began', () => {
    const queue = new FairQueue<Queued>();
    for (let i = 0; i < 10; i++) queue.push({ callerKey: 'early', dueBy: i, queuedAt: 0 });
    for (let i = 0; i < 5; i++) queue.take();
    for (let i = 0; i < 10; i++) queue.push({ callerKey: 'late', dueBy: i, queuedAt: 1 });
    const next = Array.from({ length: 6 }, () => queue.take()?.callerKey);
    expect(next.filter((caller) => caller === 'early').length).toBeGreaterThanOrEqual(2);
  });
});

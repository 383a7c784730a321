import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Backoff, pilotRotateAt, refreshAt } from './schedule.ts';

describe('ztunnel asks again', () => {
  test('at the middle of the validity, whatever the present is', () => {
    expect(refreshAt(0, 60_000)).toBe(30_000);
  });

  test('at once when the back-date is at least the rest of the life: the hot loop', () => {
    const now = 1_000_000;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 86_400_000 }), fc.integer({ min: 0, max: 86_400_000 }), (rest, more) => {
        expect(refreshAt(now - rest - more, now + rest)).toBeLessThanOrEqual(now);
      }),
    );
  });

  test('after 1, 2, 4 … 128 and then 150 s when it fails', () => {
    const backoff = new Backoff(0, () => 0.5);
    const waits = Array.from({ length: 10 }, () => backoff.next(0) / 1_000);
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 150, 150]);
  });

  test('with a spread of 20 % either way, and constantly after 15 minutes', () => {
    expect(new Backoff(0, () => 0).next(0)).toBeCloseTo(800);
    expect(new Backoff(0, () => 1).next(0)).toBeCloseTo(1_200);
    expect(new Backoff(0, () => 0).next(900_001)).toBe(150_000);
  });
});

test('pilot-agent counts from the receipt, within one per cent of the half', () => {
  expect(pilotRotateAt(1_000, 101_000, () => 0.5)).toBe(51_000);
  expect(pilotRotateAt(0, 100_000, () => 0)).toBeCloseTo(51_000);
  expect(pilotRotateAt(0, 100_000, () => 1)).toBeCloseTo(49_000);
});

import { expect, test } from 'vitest';
import { residentMiB, slope } from './memory.ts';

test('the slope of a line is its growth per thousand certificates', () => {
  const points = [0, 1, 2, 3].map((step) => ({ certificates: step * 10_000, miB: 100 + step * 5 }));
  expect(slope(points)).toBeCloseTo(0.5);
});

test('a process has resident memory, and never more than its peak', () => {
  const { now, peak } = residentMiB(process.pid);
  expect(now).toBeGreaterThan(10);
  expect(peak).toBeGreaterThanOrEqual(now);
});

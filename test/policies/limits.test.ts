import { describe, expect, it } from 'vitest';
import { RateLimiter } from '../../policies/src/index.ts';

const limits = { cluster: { rate: 100, burst: 6 }, caller: { rate: 2, burst: 4 } };

describe('RateLimiter', () => {
  it('lets a burst through and then names the time to wait', () => {
    const limiter = new RateLimiter(limits, 0);
    expect([1, 2, 3, 4].map(() => limiter.take('a', 0))).toEqual([0, 0, 0, 0]);
    expect(limiter.take('a', 0)).toBe(500);
    expect(limiter.take('a', 500)).toBe(0);
  });

  it('one caller in a storm leaves another untouched', () => {
    const limiter = new RateLimiter(limits, 0);
    for (let i = 0; i < 50; i++) limiter.take('storm', 0);
    expect(limiter.take('quiet', 0)).toBe(0);
  });

  it('the cluster as a whole is bounded, whoever asks', () => {
    const limiter = new RateLimiter(limits, 0);
    const waits = Array.from({ length: 10 }, (_, i) => limiter.take(`caller-${i}`, 0));
    expect(waits.filter((wait) => wait === 0)).toHaveLength(6);
    expect(Math.max(...waits)).toBe(10);
  });

  it('a refused take costs nothing: the wait does not grow with asking', () => {
    const limiter = new RateLimiter(limits, 0);
    for (let i = 0; i < 4; i++) limiter.take('a', 0);
    expect([limiter.take('a', 0), limiter.take('a', 0), limiter.take('a', 0)]).toEqual([500, 500, 500]);
  });

  it('a clock that goes back gives nothing away and breaks nothing', () => {
    const limiter = new RateLimiter(limits, 10_000);
    for (let i = 0; i < 4; i++) limiter.take('a', 10_000);
    expect(limiter.take('a', 0)).toBe(500);
    expect(limiter.take('a', 10_500)).toBe(0);
  });

  it('remembers a bounded number of callers', () => {
    const limiter = new RateLimiter({ cluster: { rate: 1e9, burst: 1e9 }, caller: { rate: 1, burst: 1 } }, 0);
    expect(limiter.take('first', 0)).toBe(0);
    expect(limiter.take('first', 0)).toBe(1000);
    for (let i = 0; i < 20_000; i++) limiter.take(`caller-${i}`, 0);
    expect(limiter.take('first', 0)).toBe(0);
  });
});

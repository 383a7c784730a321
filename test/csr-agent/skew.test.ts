import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Skew, type SkewLevel } from '../../csr-agent/src/skew.ts';

const sample = (offset: number, roundTrip: number, at = 1_000_000) => ({
  sentAt: at,
  receivedAt: at + roundTrip,
  theirs: at + roundTrip / 2 + offset,
});

describe('the skew', () => {
  it('is nothing before the first answer', () => {
    expect(new Skew().ms).toBe(0);
    expect(new Skew().level).toBe('fine');
  });

  it('is within half a round trip of the truth, whatever the way of the answer took', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -10_000_000, max: 10_000_000 }),
        fc.integer({ min: 0, max: 5_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (offset, roundTrip, share) => {
          const skew = new Skew();
          const at = 1_700_000_000_000;
          skew.observe({ sentAt: at, receivedAt: at + roundTrip, theirs: at + roundTrip * share + offset });
          expect(Math.abs(skew.ms - offset)).toBeLessThanOrEqual(roundTrip / 2 + 0.01);
        },
      ),
    );
  });

  it('takes the quickest of the last answers', () => {
    const skew = new Skew();
    skew.observe(sample(100, 10));
    skew.observe({ ...sample(0, 4_000), theirs: 1_000_000 + 2_000 + 1_500 });
    expect(skew.ms).toBe(100);
  });

  it('starts anew when a clock was set', () => {
    const skew = new Skew();
    for (let i = 0; i < 5; i++) skew.observe(sample(100, 10));
    skew.observe(sample(90_000, 40));
    expect(skew.ms).toBe(90_000);
  });

  it('sees at once that our clock was set back, and forgets it with the next answer', () => {
    let wall = 1_000_000;
    const skew = new Skew(undefined, () => wall);
    skew.observe(sample(100, 10));
    wall -= 180_000;
    expect(skew.correct(0)).toBe(180_100);
    skew.observe(sample(180_100, 10));
    expect(skew.correct(0)).toBe(180_100);
  });

  it('takes a clock that went forward for a machine that slept, until an answer says otherwise', () => {
    let wall = 1_000_000;
    const skew = new Skew(undefined, () => wall);
    skew.observe(sample(100, 10));
    wall += 180_000;
    expect(skew.correct(0)).toBe(100);
    skew.observe(sample(-179_900, 10));
    expect(skew.correct(0)).toBe(-179_900);
  });

  it('learns nothing from a call during which our clock went back', () => {
    const skew = new Skew();
    skew.observe({ sentAt: 1_000, receivedAt: 900, theirs: 5_000_000 });
    expect(skew.ms).toBe(0);
  });

  it('tells of each change of level once', () => {
    const onLevel = vi.fn<(level: SkewLevel, ms: number) => void>();
    const skew = new Skew(onLevel);
    for (const offset of [0, 31_000, 32_000, 301_000, 302_000, -301_000, 100, 50]) skew.observe(sample(offset, 2));
    expect(onLevel.mock.calls.map(([level]) => level)).toEqual(['warn', 'hold', 'fine']);
  });

  it('is added to times of ours in whole milliseconds', () => {
    const skew = new Skew();
    skew.observe(sample(100, 1));
    expect(skew.correct(1_000)).toBe(1_100);
  });
});

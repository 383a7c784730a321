import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../ca-service/src/client/duration.ts';

describe('a duration', () => {
  it.each([
    ['90s', 90],
    ['10m', 600],
    ['24h', 86_400],
    ['7d', 604_800],
    ['1h30m', 5_400],
    ['0s', 0],
  ])('%s is %i seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it.each(['', '10', 'm', '-1m', '1.5h', '10 m', '30m1h', '1m1m', '1w', '1M', ' 1m', '99999999999s'])(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.nat(315_360_000), (seconds) => {
        expect(parseDuration(formatDuration(seconds))).toBe(seconds);
      }),
    );
  });
});

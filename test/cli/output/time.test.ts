import { expect, test } from 'vitest';
import { isoTime, shortDuration } from '../../../cli/src/output/time.ts';

test.each([
  [0, '0s'],
  [59, '59s'],
  [61, '1m1s'],
  [86_399, '23h59m'],
  [90_061, '1d1h'],
  [-5, '-5s'],
])('%i seconds read %s', (seconds, text) => {
  expect(shortDuration(seconds)).toBe(text);
});

test('times are UTC', () => {
  expect(isoTime(0)).toBe('1970-01-01T00:00:00Z');
});

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readBaseline, regressions, saveBaseline, unmeasured } from './baseline.ts';

const baseline = { 'CPU ÷ floor': 5, 'storm ÷ anchor': 1 };

test('a ratio that is worse by more than 15 % is named with both figures', () => {
  expect(regressions(baseline, { 'CPU ÷ floor': 5.76, 'storm ÷ anchor': 1 })).toEqual([
    'CPU ÷ floor: 5.76, the baseline is 5.00: 15 % worse',
  ]);
});

test('one that is worse by 15 %, better, or not measured is no regression', () => {
  expect(regressions(baseline, { 'CPU ÷ floor': 5.75, 'storm ÷ anchor': 0.2 })).toEqual([]);
  expect(regressions(baseline, { 'CPU ÷ floor': 5 })).toEqual([]);
  expect(unmeasured(baseline, { 'CPU ÷ floor': 5 })).toEqual(['storm ÷ anchor']);
});

test('a saved baseline reads back, to three digits', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'baseline-')), 'baseline.json');
  saveBaseline('today', { 'CPU ÷ floor': 4.98765 }, path);
  expect(readBaseline(path)).toEqual({ measured: 'today', ratios: { 'CPU ÷ floor': 4.99 } });
});

test('the baseline of the repository has a ratio to the floor', () => {
  expect(readBaseline().ratios['CPU of agent + CA ÷ floor, 8 x 8']).toBeGreaterThan(1);
});

import { expect, test } from 'vitest';
import { nearest } from '../../cli/src/suggest.ts';

test.each([
  ['aest', ['east', 'west'], 'east'],
  ['bookinfo/productpag', ['bookinfo/details', 'bookinfo/productpage'], 'bookinfo/productpage'],
  ['east', ['eats'], 'eats'],
  ['production', ['staging'], undefined],
  ['x', [], undefined],
])('%s among %j suggests %s', (typed, known, expected) => {
  expect(nearest(typed, known)).toBe(expected);
});

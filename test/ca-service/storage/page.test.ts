import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCursor, pageLimit, parseCursor } from '../../../ca-service/src/storage/page.ts';

describe('a cursor', () => {
  it('reads back as the position it was made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer(), (text, number) => {
        expect(parseCursor(formatCursor([text, number]), ['string', 'number'])).toEqual([text, number]);
      }),
    );
  });

  it('is legal in a query as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(formatCursor([text])).toMatch(/^[A-Za-z0-9_-]+$/);
      }),
    );
  });

  it.each([
    ['another kind', formatCursor(['1'])],
    ['another length', formatCursor([1, 2])],
    ['no JSON', btoa('x')],
    ['no base64', '%'],
  ])('of %s is refused', (_, cursor) => {
    expect(() => parseCursor(cursor, ['number'])).toThrow('the cursor is not one');
  });
});

it('a page has 100 rows unless it is said, and never more than 500', () => {
  expect(pageLimit({})).toBe(100);
  expect(pageLimit({ limit: 500 })).toBe(500);
  for (const limit of [0, -1, 501, 1.5, Number.NaN]) expect(() => pageLimit({ limit })).toThrow('limit is');
});

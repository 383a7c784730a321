import { expect, test } from 'vitest';
import { pairs, table } from '../../../cli/src/output/table.ts';

test('columns are as wide as their widest cell, and lines end without spaces', () => {
  expect(
    table(
      ['a', 'long'],
      [
        ['wide cell', ''],
        ['x', 'y'],
      ],
    ),
  ).toBe('A          LONG\nwide cell\nx          y\n');
});

test('a table without rows is its headings', () => {
  expect(table(['name'], [])).toBe('NAME\n');
});

test('a value of several lines is indented under its first', () => {
  expect(
    pairs([
      ['a', '1\n2'],
      ['long', '3'],
    ]),
  ).toBe('a     1\n      2\nlong  3\n');
});

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const DOCS = resolve(import.meta.dirname, '../../docs');
const text = readFileSync(join(DOCS, 'THREAT-MODEL.md'), 'utf8');

/** Rows of the tables, without their heads, each with its section. */
function rows(): { section: string; cells: string[] }[] {
  let section = '';
  let heads = 0;
  const found: { section: string; cells: string[] }[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('## ')) {
      section = line.slice(3);
      heads = 2;
    } else if (line.startsWith('|') && heads > 0) heads--;
    else if (line.startsWith('|'))
      found.push({
        section,
        cells: line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      });
  }
  return found;
}

const all = rows();

test('the page has its three tables', () => {
  const sections = [...new Set(all.map(({ section }) => section))];
  expect(sections).toEqual(['What a thief can do', 'Attacks on the way', 'Classes of attack']);
  expect(all.length).toBeGreaterThan(40);
});

test('no class of attack is left out', () => {
  const numbers = all.filter(({ section }) => section === 'Classes of attack').map(({ cells }) => Number(cells[0]));
  expect(numbers).toEqual(Array.from({ length: 18 }, (_, index) => index + 1));
});

describe('each threat links to a test that exists, or says why there is none', () => {
  test.each(
    all.map(({ section, cells }) => [section, cells[0] === '' ? '' : cells.slice(0, 2).join(' '), cells] as const),
  )('%s: %s', (_section, _threat, cells) => {
    const last = cells.at(-1) ?? '';
    const links = [...last.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link ?? '');
    expect(links.filter((link) => !link.endsWith('.test.ts') || !existsSync(join(DOCS, link)))).toEqual([]);
    expect(links.length > 0 || /^no test: \S/.test(last), last).toBe(true);
  });
});

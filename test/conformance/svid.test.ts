import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { printTable } from '../support/print_table.ts';
import { clauses } from './svid/clauses.ts';
import { Svids } from './svid/svids.ts';

/** Every section of the X.509-SVID standard that requires, recommends or permits something. */
const SECTIONS = ['2', '3.1', '3.2', '4.1', '4.2', '4.3', '4.4', '5.1', '5.2', '6.1', '6.2'];
const ROOT = join(import.meta.dirname, '../..');

const all = clauses(await Svids.make());

afterAll(() => {
  printTable(
    'The X.509-SVID standard, clause by clause',
    all.map(({ clause, level, binds, says, ...rest }) => {
      const how = 'because' in rest ? `no: ${rest.because}` : 'shownBy' in rest ? `yes: ${rest.shownBy.file}` : 'yes';
      return { clause, level, binds, says, kept: how };
    }),
  );
});

describe('the X.509-SVID standard', () => {
  it('has no section that is not in the list', () => {
    expect([...new Set(all.map(({ clause }) => clause))]).toEqual(SECTIONS);
  });

  it('requires nothing that is not kept: what is not, it recommends, or leaves to others', () => {
    const broken = all.filter(
      (each) => 'because' in each && each.level.startsWith('MUST') && each.binds !== 'consumer',
    );
    expect(broken).toEqual([]);
  });

  it.each(all)('§$clause $binds $level: $says', (each) => {
    if ('shownBy' in each) {
      const { file, test } = each.shownBy;
      expect(readFileSync(join(ROOT, file), 'utf8')).toContain(test);
      return;
    }
    expect(each.faults()).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import page from '../../docs/STORAGE.md?raw';
import { withStorage } from './support/storage.ts';

interface Table {
  key: string[];
  columns: string[];
}

const objects = [
  ['DIRECTORY', '`Directory`'],
  ['TRUST_DOMAIN', '`TrustDomain`'],
  ['CLUSTER_ISSUER', '`ClusterIssuer`'],
] as const;

/** Rows of a section's table: the names between backticks of its first three cells. */
function documented(title: string): Record<string, Table> {
  const section = page.split('\n## ').find((text) => text.startsWith(title)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return Object.fromEntries(
    rows.map((line) => {
      const [name, key, columns] = line.split('|').slice(1, 4).map(quoted);
      return [name?.[0] ?? '', { key: key ?? [], columns: columns ?? [] }];
    }),
  );
}

function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
}

/** Every table of the object but the platform's own. */
function live({ sql }: DurableObjectStorage): Record<string, Table> {
  const names = sql
    .exec<{ name: string }>(`SELECT name FROM sqlite_master WHERE type = 'table'`)
    .toArray()
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('_cf_') && !name.startsWith('sqlite_') && !name.startsWith('__'));
  return Object.fromEntries(
    names.map((name) => {
      const columns = sql
        .exec<{ name: string; pk: number }>('SELECT name, pk FROM pragma_table_info(?)', name)
        .toArray();
      const key = columns.filter(({ pk }) => pk > 0).toSorted((a, b) => a.pk - b.pk);
      const names = (list: typeof columns): string[] => list.map((column) => column.name);
      return [name, { key: names(key), columns: names(columns.filter(({ pk }) => pk === 0)) }];
    }),
  );
}

describe.each(objects)('the storage page on %s', (namespace, title) => {
  it('names exactly the tables, keys and columns of the live schema', async () => {
    const expected = { ...documented('In every object'), ...documented(title) };
    expect(Object.keys(expected).length).toBeGreaterThan(6);
    expect(await withStorage(live, namespace)).toEqual(expected);
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { workerdBinary } from '../../../cli/src/dev/ca_part.ts';

const capnp = readFileSync(new URL('../../../infra/workerd/ambient-ca.capnp', import.meta.url), 'utf8');
const wrangler = readFileSync(new URL('../../../wrangler.toml', import.meta.url), 'utf8');

describe('infra/workerd runs the same Worker as wrangler.toml', () => {
  test('with the same compatibility date and flags', () => {
    const date = /compatibility_date = "([^"]+)"/.exec(wrangler)?.[1];
    const flags = /compatibility_flags = (\[[^\]]*\])/.exec(wrangler)?.[1];
    expect(capnp).toContain(`compatibilityDate = "${date}"`);
    expect(capnp).toContain(`compatibilityFlags = ${flags}`);
  });

  test('with the same objects under the same bindings', () => {
    const bound = [...wrangler.matchAll(/name = "([A-Z_]+)"\nclass_name = "(\w+)"/g)];
    expect(bound.length).toBeGreaterThan(0);
    for (const [, name, className] of bound) {
      expect(capnp).toContain(`(name = "${name}", durableObjectNamespace = "${className}")`);
      expect(capnp).toContain(`(className = "${className}", uniqueKey = `);
    }
  });

  test('whose names are only ever added to: each is where the state of a CA lies', () => {
    const RELEASED = [
      ['Directory', 'ambient-ca-directory'],
      ['TrustDomain', 'ambient-ca-trust-domain'],
      ['ClusterIssuer', 'ambient-ca-cluster-issuer'],
    ];
    const keys = [...capnp.matchAll(/className = "(\w+)", uniqueKey = "([^"]+)"/g)].map(([, name, key]) => [name, key]);
    expect(keys.slice(0, RELEASED.length)).toEqual(RELEASED);
    const migrations = [...wrangler.matchAll(/tag = "(v\d+)"\nnew_sqlite_classes = (\[.*\])/g)];
    expect(migrations.length).toBeGreaterThan(1);
    for (const [, tag, classes = '[]'] of migrations.filter(([, each]) => each === 'v1')) {
      expect([tag, JSON.parse(classes)]).toEqual(['v1', RELEASED.map(([name]) => name)]);
    }
    expect(wrangler).not.toMatch(/deleted_classes|renamed_classes|transferred_classes/);
  });

  test('and nothing it could send a key to', () => {
    expect(capnp).toContain('globalOutbound = "blackhole"');
    expect(capnp).toContain('(name = "blackhole", network = (allow = []))');
  });
});

test('the binary of workerd itself is found, not the shim', () => {
  expect(existsSync(workerdBinary())).toBe(true);
  expect(workerdBinary()).not.toContain('.bin');
});

test('a platform without workerd is refused with what to use', () => {
  expect(() => workerdBinary('win32', 'x64')).toThrow('no binary');
});

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

function pages(): string[] {
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.md') && !/(^|\/)(node_modules|dist|\.wrangler|\.tsbuild|\.ambient-ca)\//.test(name),
  );
  expect(found).toContain('README.md');
  return found;
}

const read = (page: string): string => readFileSync(join(root, page), 'utf8');

describe('documents', () => {
  it.each(pages())('%s: every relative link leads somewhere', (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)].map((match) => match[1] ?? '');
    const dead = links.filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(root, dirname(page), link)));
    expect(dead).toEqual([]);
  });

  it.each(pages())('%s: every file it names exists', (page) => {
    const named = [
      ...read(page).matchAll(
        /`((?:pki|policies|ca-service|csr-agent|cli|infra|test|docs|\.ci)\/[\w./-]*\.(?:ts|js|md|capnp|toml))`/g,
      ),
    ];
    const missing = named.map((match) => match[1] ?? '').filter((path) => !existsSync(join(root, path)));
    expect(missing).toEqual([]);
  });

  it('README is one screenful and its npm commands are scripts of the package', () => {
    const text = read('README.md');
    expect(text.split('\n').length).toBeLessThanOrEqual(70);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const commands = [...text.matchAll(/\bnpm (?:run )?(start|test|bench)\b/g)].map((match) => match[1] ?? '');
    expect(commands.length).toBeGreaterThan(2);
    for (const command of commands) expect(scripts).toHaveProperty(command);
  });

  it('every folder of the architecture is explained in the README, and no explained folder is missing', () => {
    const explained = [...read('README.md').matchAll(/^\| `([\w-]+)\/` +\|/gm)].map((match) => match[1] ?? '');
    const present = readdirSync(root, { withFileTypes: true })
      .filter(
        (entry) =>
          entry.isDirectory() && !entry.name.startsWith('.') && !['node_modules', 'dist', 'docs'].includes(entry.name),
      )
      .map((entry) => entry.name);
    expect([...explained].sort()).toEqual([...present].sort());
  });

  it('the lockfile carries no registry addresses', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "http/);
  });

  it('every dependency is pinned exactly', () => {
    const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
      for (const [name, version] of Object.entries(manifest[kind] ?? {}))
        expect(`${name}@${version}`).toMatch(/@\d+\.\d+\.\d+$/);
    }
  });
});

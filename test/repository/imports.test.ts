import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Who may import whom. The first entry whose prefix fits a file is its part; `client` is the typed client of the CA. */
const parts = [
  { name: 'client', prefix: 'ca-service/src/client/', may: ['pki'] },
  { name: 'ca-service', prefix: 'ca-service/', may: ['client', 'pki', 'policies'] },
  { name: 'pki', prefix: 'pki/', may: [] },
  { name: 'policies', prefix: 'policies/', may: ['pki'] },
  { name: 'csr-agent', prefix: 'csr-agent/', may: ['pki', 'client'] },
  { name: 'cli', prefix: 'cli/', may: ['pki', 'client'] },
] as const;

/** Parts that run where there is no Node; `pki/src/crypto/node.ts` is the one port made for it. */
const withoutNode = ['pki', 'policies', 'client', 'ca-service'];
const nodePort = 'pki/src/crypto/node.ts';

const root = resolve(import.meta.dirname, '../..');

function partOf(file: string): (typeof parts)[number] | undefined {
  return parts.find(({ prefix }) => file.startsWith(prefix));
}

function sources(): string[] {
  return ['pki', 'policies', 'ca-service', 'csr-agent', 'cli'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|js)$/.test(name) && !name.endsWith('worker-configuration.d.ts'))
      .map((name) => join(folder, name)),
  );
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1] ?? '');
}

/** Every forbidden arrow of one file, as a sentence. */
function forbidden(file: string, text: string): string[] {
  const from = partOf(file);
  if (from === undefined) return [`${file} belongs to no part`];
  return importsOf(text).flatMap((specifier) => {
    if (specifier.startsWith('node:')) {
      const allowed = !withoutNode.includes(from.name) || file === nodePort;
      return allowed ? [] : [`${file} imports ${specifier}: ${from.name} runs without Node`];
    }
    if (!specifier.startsWith('.')) return [];
    const target = relative(root, resolve(root, dirname(file), specifier));
    const to = partOf(target);
    if (to === undefined) return [`${file} imports ${target}, which belongs to no part`];
    if (to.name !== from.name && !(from.may as readonly string[]).includes(to.name)) {
      return [`${file} imports ${target}: ${from.name} may not import ${to.name}`];
    }
    return target === nodePort && withoutNode.includes(from.name) ? [`${file} imports the Node port`] : [];
  });
}

describe('imports', () => {
  it('no file imports against the table of the architecture', () => {
    const files = sources();
    expect(files.length).toBeGreaterThan(20);
    expect(files.flatMap((file) => forbidden(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
  });

  it.each([
    ['pki/src/x.ts', `import { a } from '../../policies/src/index.ts';`],
    ['pki/src/x.ts', `import { createHash } from 'node:crypto';`],
    ['ca-service/src/x.ts', `import { nodeCrypto } from '../../pki/src/crypto/node.ts';`],
    ['csr-agent/src/x.ts', `import { evaluate } from '../../policies/src/index.ts';`],
    ['csr-agent/src/x.ts', `import type { CaError } from '../../ca-service/src/errors.ts';`],
    ['cli/src/x.ts', `const a = await import('../../csr-agent/src/main.ts');`],
    ['ca-service/src/client/x.ts', `export { CaError } from '../errors.ts';`],
    ['policies/src/x.ts', `export * from '../../test/support/x.ts';`],
  ])('the rule catches a forbidden arrow in %s', (file, text) => {
    expect(forbidden(file, text)).toHaveLength(1);
  });

  it('the rule lets the permitted arrows pass', () => {
    expect(forbidden('csr-agent/src/x.ts', `import { a } from '../../ca-service/src/client/protocol.ts';`)).toEqual([]);
    expect(forbidden('cli/src/x.ts', `import { a } from '../../pki/src/crypto/node.ts'; import 'node:fs';`)).toEqual(
      [],
    );
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { buildProgram } from '../../cli/src/program.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const PLACES = ['ca-service/src', 'csr-agent/src', 'policies/src', 'pki/src', 'cli/src', 'docs', 'infra', 'README.md'];
/** `ambient-ca` and the words after it, where it is meant to be typed: after a quote, a back-tick, a bracket or a prompt. */
const TYPED = /(?:['"`(]|npx |^ +|: {2,})ambient-ca ((?:[a-z]+(?:-[a-z]+)*)(?: [a-z]+(?:-[a-z]+)*)?)/gm;

/** Labels inside authenticated data, of the same look. */
const LABELS = ['check value', 'wrapped key'];

const program = buildProgram({ env: {}, cwd: '/', terminal: false, out: () => {}, err: () => {}, now: () => 0 });

test('every command that a message or a page tells the reader to type exists', () => {
  const named = PLACES.flatMap((place) => files(join(REPOSITORY, place)))
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(TYPED)].map(([, words = '']) => ({ file, words })))
    .filter(({ words }) => !LABELS.includes(words));
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter(({ words }) => !exists(program, words.split(' ')))).toEqual([]);
});

function exists(parent: Command, [word, ...rest]: readonly string[]): boolean {
  if (word === undefined || parent.commands.length === 0) return true;
  const found = parent.commands.find((command) => command.name() === word || command.aliases().includes(word));
  return found !== undefined && exists(found, rest);
}

function files(path: string): string[] {
  if (/\.(ts|md|capnp)$/.test(path)) return path.endsWith('.d.ts') ? [] : [path];
  if (/\.[a-z]+$/.test(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || /\.(ts|md|capnp)$/.test(entry.name))
    .flatMap((entry) => files(join(path, entry.name)));
}

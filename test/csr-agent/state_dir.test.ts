import { mkdtempSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stateDir } from '../../csr-agent/src/state_dir.ts';

const fresh = (): string => join(mkdtempSync(join(tmpdir(), 'ambient-state-')), 'deep', 'state');

describe('the state folder', () => {
  it('is made for its owner alone, and so is every file in it', () => {
    const path = fresh();
    stateDir(path).write('a.json', 'one');
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(path, 'a.json')).mode & 0o777).toBe(0o600);
  });

  it('reads back what was written last, and null for what was not', () => {
    const state = stateDir(fresh());
    expect(state.read('a.json')).toBeNull();
    state.write('a.json', 'one');
    state.write('a.json', 'zwei — ✓');
    expect(state.read('a.json')).toBe('zwei — ✓');
  });

  it('leaves nothing but the file behind, and replaces a link instead of following it', () => {
    const path = fresh();
    const state = stateDir(path);
    const elsewhere = join(path, '..', 'elsewhere');
    writeFileSync(elsewhere, 'untouched');
    symlinkSync(elsewhere, join(path, 'a.json'));
    state.write('a.json', 'one');
    expect(readdirSync(path)).toEqual(['a.json']);
    expect(stateDir(join(path, '..')).read('elsewhere')).toBe('untouched');
  });

  it('keeps the old file when the new one cannot be written', () => {
    const path = fresh();
    const state = stateDir(path);
    state.write('a.json', 'one');
    expect(() => state.write('no/such/folder', 'two')).toThrow(/ENOENT/);
    expect(state.read('a.json')).toBe('one');
    expect(readdirSync(path)).toEqual(['a.json']);
  });
});

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../../cli/src/main.ts';

/** 2026-11-25T00:00:00Z */
export const NOW = 1_795_564_800_000;

export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** Runs one command line in this process. */
export async function run(args: readonly string[], env: Record<string, string> = {}, cwd = tmpdir()): Promise<Ran> {
  let out = '';
  let err = '';
  const code = await main(args, {
    env,
    cwd,
    terminal: false,
    out: (text) => (out += text),
    err: (text) => (err += text),
    now: () => NOW,
  });
  return { code, out, err };
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'ambient-ca-test-'));
}

/** Writes a file of mode 0600 in a fresh folder. */
export function temporaryFile(name: string, text: string): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

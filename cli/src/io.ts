import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CliError } from './errors.ts';

/** Everything a command touches besides the network, so that tests run commands without a process. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether a person reads the output. */
  readonly terminal: boolean;
  out(text: string): void;
  err(text: string): void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function processIo(): Io {
  return {
    env: process.env,
    cwd: process.cwd(),
    terminal: process.stdout.isTTY,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    now: Date.now,
  };
}

/** Reads a text file that an option named; the error names the option. */
export function readInput(path: string, option: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    const said = reason === 'ENOENT' ? 'does not exist' : `cannot be read (${reason})`;
    throw new CliError('input-file', `${option}: ${path} ${said}`, {
      next: `name a readable file with ${option}`,
      cause,
    });
  }
}

/** Writes a file that only its owner can read, in a directory that only its owner can enter. */
export function writeSecret(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
}

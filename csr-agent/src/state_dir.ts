import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Where the agent keeps what lets it serve while the CA is away. Files are whole or absent, and ours alone (0600). */
export interface StateDir {
  /** Null when there is no such file. */
  read(name: string): string | null;
  write(name: string, text: string): void;
}

/** A folder; it is made when it is missing. */
export function stateDir(path: string): StateDir {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return {
    read(name) {
      try {
        return readFileSync(join(path, name), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    write(name, text) {
      const temporary = join(path, `.${name}.${randomBytes(6).toString('hex')}`);
      try {
        writeDurably(temporary, text);
        renameSync(temporary, join(path, name));
      } catch (error) {
        removeQuietly(temporary);
        throw error;
      }
      syncFolder(path);
    },
  };
}

/** `wx`: a name that exists, a planted symbolic link included, is refused. */
function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    const bytes = Buffer.from(text, 'utf8');
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The rename is durable only when its folder is. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made, or is gone already.
  }
}

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const FOLDER = process.env['AMBIENT_CA_VECTORS'] ?? resolve(import.meta.dirname, '../../../shared/vectors');

/** A file of public test vectors (C2SP's x509-limbo and wycheproof), which are not part of this repository; null where they are not. */
export function readVectors(file: string): unknown {
  const path = join(FOLDER, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as unknown) : null;
}

/** For the title of what is then skipped. */
export const whyNot = (vectors: unknown): string =>
  vectors === null ? ' (skipped: AMBIENT_CA_VECTORS names no folder with the vectors)' : '';

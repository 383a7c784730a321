import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs once around all tests: what any of them, or a process it started, leaves in the temporary folder goes with it. */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'ambient-ca-tests-'));
  process.env['TMPDIR'] = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { CliError } from '../errors.ts';
import type { DevPaths } from './paths.ts';
import { commandLine, endProcess, isAlive } from './processes.ts';

/** @throws CliError `dev-running` when another supervisor owns this state: two would share SQLite files. */
export function assertNotRunning(paths: DevPaths): void {
  const pid = readPid(paths.lock);
  if (pid === null || pid === process.pid || !isAlive(pid) || !commandLine(pid).includes('ambient-ca')) return;
  throw new CliError('dev-running', `a development environment already runs on ${paths.dir} (pid ${pid})`, {
    next: 'stop it with Ctrl-C, or start another beside it: npm start -- --state OTHER-DIR --port 0',
  });
}

export function takeLock(paths: DevPaths): void {
  writeFileSync(paths.lock, `${process.pid}\n`, { mode: 0o600 });
}

export function releaseLock(paths: DevPaths): void {
  rmSync(paths.lock, { force: true });
  rmSync(paths.parts, { force: true });
}

export function recordParts(paths: DevPaths, pids: readonly number[]): void {
  writeFileSync(paths.parts, JSON.stringify(pids), { mode: 0o600 });
}

/** Ends the parts of a supervisor that was killed itself; a pid counts only while its command line names our state. */
export async function endLeftovers(paths: DevPaths, say: (line: string) => void, now: () => number): Promise<void> {
  const leftovers = readPids(paths.parts).filter((pid) => isAlive(pid) && commandLine(pid).includes(paths.dir));
  await Promise.all(
    leftovers.map(async (pid) => {
      say(`ended process ${pid}, left over from a start that was killed`);
      await endProcess(pid, 2_000, now);
    }),
  );
  rmSync(paths.descriptor, { force: true });
}

function readPid(path: string): number | null {
  if (!existsSync(path)) return null;
  const pid = Number(readFileSync(path, 'utf8'));
  return Number.isInteger(pid) && pid > 0 ? pid : null;
}

function readPids(path: string): number[] {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(parsed) ? parsed.filter((pid) => typeof pid === 'number') : [];
  } catch {
    return [];
  }
}

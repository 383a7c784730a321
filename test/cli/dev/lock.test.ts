import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { assertNotRunning, endLeftovers, recordParts } from '../../../cli/src/dev/lock.ts';
import { devPaths, type DevPaths } from '../../../cli/src/dev/paths.ts';
import { temporaryFolder } from '../run.ts';

let paths: DevPaths;
beforeEach(() => {
  paths = devPaths(temporaryFolder(), 'state');
  mkdirSync(paths.dir);
});

test('a state that a living start owns is refused, with how to start another', () => {
  const script = join(paths.dir, 'ambient-ca.js');
  writeFileSync(script, 'setInterval(() => {}, 1000)');
  const other = spawn(process.execPath, [script]);
  try {
    writeFileSync(paths.lock, `${other.pid}\n`);
    expect(() => assertNotRunning(paths)).toThrow('already runs');
  } finally {
    other.kill();
  }
});

test('a lock of a process that is gone, or is not ours, keeps no start away', () => {
  writeFileSync(paths.lock, '999999999\n');
  expect(() => assertNotRunning(paths)).not.toThrow();
  writeFileSync(paths.lock, '1\n');
  expect(() => assertNotRunning(paths)).not.toThrow();
});

test('parts that a killed start left behind are ended, and a stranger that got one of their pids is not', async () => {
  const idle = ['-e', 'setInterval(() => {}, 1000)'];
  const leftover = spawn(process.execPath, [...idle, paths.dir]);
  const stranger = spawn(process.execPath, idle);
  try {
    recordParts(paths, [leftover.pid ?? 0, stranger.pid ?? 0]);
    const lines: string[] = [];
    await endLeftovers(paths, (line) => lines.push(line), Date.now);
    expect(lines).toEqual([`ended process ${leftover.pid}, left over from a start that was killed`]);
    expect(leftover.signalCode).toBe('SIGTERM');
    expect(stranger.signalCode).toBeNull();
  } finally {
    stranger.kill();
  }
});

import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Part } from '../../../cli/src/dev/part.ts';
import { isAlive } from '../../../cli/src/dev/processes.ts';
import { temporaryFolder } from '../run.ts';

describe('a part', () => {
  let part: Part;
  afterEach(() => part.stop(1_000));

  function partOf(script: string) {
    const cwd = temporaryFolder();
    const lines: string[] = [];
    const pids: number[] = [];
    part = new Part(
      {
        name: 'the part',
        command: process.execPath,
        args: ['-e', script],
        env: {},
        cwd,
        logFile: join(cwd, 'part.log'),
      },
      { say: (line) => lines.push(line), started: (pid) => pids.push(pid), now: Date.now },
    );
    return { lines, pids };
  }

  test('that is killed is started again under another pid, with a line saying so', async () => {
    const { lines, pids } = partOf('setInterval(() => {}, 1000)');
    part.start();
    process.kill(pids[0] ?? 0, 'SIGKILL');
    await expect.poll(() => pids.length, { timeout: 5_000 }).toBe(2);
    expect(lines[0]).toMatch(/^the part ended \(SIGKILL\); starting it again in 0\.5 s/);
    expect(pids[1]).not.toBe(pids[0]);
  });

  test('that ignores SIGTERM is killed after the grace', async () => {
    const { pids } = partOf("process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)");
    part.start();
    await expect.poll(() => part.tail()).toBe('up');
    await part.stop(200);
    expect(isAlive(pids[0] ?? 0)).toBe(false);
  });

  test('that was stopped stays stopped', async () => {
    const { pids } = partOf('setInterval(() => {}, 1000)');
    part.start();
    await part.stop(1_000);
    part.start();
    expect(pids).toHaveLength(1);
  });
});

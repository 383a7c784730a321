import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isStale } from '../../../cli/src/dev/build.ts';
import { temporaryFolder } from '../run.ts';

const build = { name: 'it', script: 'none', output: 'out.js', inputs: ['src', 'lock'] };

test('what was never built is stale, what is newer than all its sources is not, and a newer source anywhere makes it so', () => {
  const root = temporaryFolder();
  mkdirSync(join(root, 'src/deep'), { recursive: true });
  const at = (path: string, seconds: number) => {
    writeFileSync(join(root, path), '');
    utimesSync(join(root, path), seconds, seconds);
    for (const folder of ['src/deep', 'src']) utimesSync(join(root, folder), 1, 1);
  };
  at('src/deep/a.ts', 100);
  expect(isStale(build, root)).toBe(true);
  at('out.js', 200);
  expect(isStale(build, root)).toBe(false);
  at('src/deep/a.ts', 300);
  expect(isStale(build, root)).toBe(true);
});

test('a removed source makes a build stale', () => {
  const root = temporaryFolder();
  mkdirSync(join(root, 'src'));
  writeFileSync(join(root, 'out.js'), '');
  utimesSync(join(root, 'out.js'), 200, 200);
  utimesSync(join(root, 'src'), 300, 300);
  expect(isStale(build, root)).toBe(true);
});

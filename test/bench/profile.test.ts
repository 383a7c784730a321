import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { costsOf, type CpuProfile } from './profile.ts';

const bundle = join(mkdtempSync(join(tmpdir(), 'profile-')), 'main.mjs');
writeFileSync(bundle, '// a/log.ts\nfunction log() {}\n// a/leaf.ts\nfunction leaf() {}\n');

const node = (
  id: number,
  functionName: string,
  lineNumber: number,
  children: number[] = [],
): CpuProfile['nodes'][0] => ({
  id,
  callFrame: { functionName, url: lineNumber < 0 ? '' : `file://${bundle}`, lineNumber },
  children,
});

test('a sample costs what the first rule that knows a frame of its stack says, idle time costs nothing', () => {
  const profile: CpuProfile = {
    nodes: [
      node(1, '(root)', -1, [2, 3, 6]),
      node(2, '(idle)', -1),
      node(3, 'log', 1, [4, 5]),
      node(4, 'leaf', 3),
      node(5, 'native', -1),
      node(6, 'else', -1),
    ],
    samples: [2, 4, 5, 6],
    timeDeltas: [1_000, 10, 20, 10],
  };
  const rules = [
    { cost: 'leaves', is: ({ file }: { file: string }) => file === 'a/leaf.ts' },
    { cost: 'logging', is: ({ file }: { file: string }) => file === 'a/log.ts' },
  ];
  expect(costsOf(profile, bundle, rules)).toEqual([
    { cost: 'logging', share: 0.5 },
    { cost: 'leaves', share: 0.25 },
    { cost: 'the rest', share: 0.25 },
  ]);
});

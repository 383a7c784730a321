import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test } from 'vitest';
import { EXIT } from '../../cli/src/errors.ts';
import { run } from '../cli/run.ts';
import { Dev, newState, nodePods } from '../support/dev.ts';

const state = newState();
const { ztunnel, pods } = nodePods('node-1', ['a']);
let dev: Dev | undefined;
afterAll(async () => {
  await dev?.stop();
  rmSync(state, { recursive: true, force: true });
});

const start = async (): Promise<void> => {
  dev = await Dev.start({ pods: [ztunnel, ...pods], state });
};
const verify = (...args: string[]) => {
  const { url = '', adminTokenFile = '' } = dev?.info.ca ?? {};
  return run(['audit', 'verify', '--ca', url, '--token-file', adminTokenFile, '--output', 'json', ...args]);
};

/** What somebody with the disk of the CA does, past its API. */
function onDisk(statement: string): number {
  const files = readdirSync(join(state, 'ca'), { recursive: true, encoding: 'utf8' });
  let changed = 0;
  for (const file of files.filter((name) => name.endsWith('.sqlite'))) {
    const database = new DatabaseSync(join(state, 'ca', file));
    const [table] = database.prepare("SELECT name FROM sqlite_master WHERE name = 'audit'").all();
    if (table !== undefined) changed += Number(database.prepare(statement).run().changes);
    database.close();
  }
  return changed;
}

test('the audit of a CA is unbroken over a restart, and a row that was changed on its disk is found', async () => {
  await start();
  const before = await verify();
  expect(before.code).toBe(EXIT.ok);
  const heads = JSON.parse(before.out) as { log: string; id: number; hash: string }[];
  expect(heads.map(({ log }) => log)).toEqual(['deployment', 'cluster.local']);
  const expected = heads.flatMap(({ log, id, hash }) => ['--expect', `${log}=${id}:${hash}`]);
  await dev?.stop();
  await start();
  expect((await verify(...expected)).code).toBe(EXIT.ok);
  await dev?.stop();
  expect(onDisk("UPDATE audit SET actor_name = 'somebody else' WHERE action = 'root.create'")).toBe(1);
  await start();
  const after = await verify(...expected);
  expect([after.code, after.err]).toEqual([
    EXIT.unverified,
    expect.stringMatching(/audit of cluster\.local is broken: the hash of entry \d/),
  ]);
});

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXIT } from '../../cli/src/errors.ts';
import { main } from '../../cli/src/main.ts';
import { run } from '../cli/run.ts';
import { Ztunnel } from '../support/client/ztunnel.ts';
import { Dev, nodePods } from '../support/dev.ts';
import { until } from '../support/processes.ts';

const { ztunnel, pods } = nodePods('node-1', ['a', 'b']);
let dev: Dev;
let client: Ztunnel;
beforeAll(async () => {
  dev = await Dev.start({ pods: [ztunnel, ...pods] });
  client = new Ztunnel({ ...dev.address, mode: 'shared', token: () => dev.token(ztunnel) });
});
afterAll(async () => {
  client.close();
  await dev.stop();
});

const cli = (...args: string[]) =>
  run([
    'cert',
    ...args,
    '--cluster',
    dev.info.cluster,
    '--ca',
    dev.info.ca.url,
    '--token-file',
    dev.info.ca.adminTokenFile,
  ]);
const identity = (at: number): string => dev.identity(pods[at] ?? ztunnel);

test('what an operator revokes is refused to the mesh at its next renewal, and nothing else is', async () => {
  await client.fetchCertificate(identity(0));
  expect((await cli('list', '--identity', 'default/a')).out).not.toContain('by identity');
  expect((await cli('revoke', '--identity', 'default/a', '--reason', 'its key was in a log')).code).toBe(EXIT.ok);
  // Opaque to the mesh, with the reason in the log of the agent.
  await expect(client.fetchCertificate(identity(0))).rejects.toMatchObject({ code: 16 });
  const said = /"code":"revoked","reason":"the identity [^"]+ was revoked by development: its key was in a log"/;
  await until('the reason in the log of the agent', 10_000, () =>
    said.test(readFileSync(`${dev.folder}/agent.log`, 'utf8')),
  );
  await client.fetchCertificate(identity(1));
  expect((await cli('list', '--identity', 'default/a')).out).toContain('by identity');
  expect((await cli('revocations')).out).toMatch(
    /identity +spiffe:\/\/cluster\.local\/ns\/default\/sa\/a +\S+ +development +its key was in a log/,
  );
  expect((await cli('unrevoke', '--identity', 'default/a')).code).toBe(EXIT.ok);
  await client.fetchCertificate(identity(0));
});

test('the doctor finds nothing wrong with it', async () => {
  let out = '';
  const write = (text: string): void => void (out += text);
  const io = { env: {}, cwd: dev.folder, terminal: false, out: write, err: write, now: Date.now };
  const args = ['doctor', '-o', 'json', '--ca', dev.info.ca.url, '--token-file', dev.info.ca.adminTokenFile];
  expect(await main(args, io)).toBe(EXIT.ok);
  const findings = JSON.parse(out) as { check: string; state: string }[];
  expect(findings.map(({ state }) => state)).toEqual(findings.map(() => 'ok'));
  expect(findings.map(({ check }) => check)).toContain('cluster.local: cluster dev');
});

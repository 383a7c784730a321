import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { devPaths, type DevPaths } from '../../../cli/src/dev/paths.ts';
import { prepareState } from '../../../cli/src/dev/settings.ts';
import { temporaryFile, temporaryFolder } from '../run.ts';

let cwd: string;
let paths: DevPaths;
beforeEach(() => {
  cwd = temporaryFolder();
  paths = devPaths(cwd, 'state');
});

describe('the state of a development environment', () => {
  test('is readable by its owner only', async () => {
    await prepareState(cwd, paths, {});
    expect(statSync(paths.dir).mode & 0o777).toBe(0o700);
    for (const secret of [paths.kek, paths.bootstrapToken, paths.tokenKey]) {
      expect(statSync(secret).mode & 0o777).toBe(0o600);
    }
  });

  test('is reused by a second start, key for key', async () => {
    await prepareState(cwd, paths, {});
    const files = [paths.kek, paths.bootstrapToken, paths.tokenKey, paths.tokenJwks, paths.pods];
    const before = files.map((file) => readFileSync(file, 'utf8'));
    await prepareState(cwd, paths, {});
    expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before);
  });

  test('remembers the options of the first start', async () => {
    const first = await prepareState(cwd, paths, { issuer: 'https://other', minTtl: 10 });
    expect(await prepareState(cwd, paths, {})).toEqual(first);
  });

  test.each([
    ['--issuer', { issuer: 'https://other' }],
    ['--min-ttl', { minTtl: 10 }],
  ])('%s that differs from what was enrolled is refused', async (option, changed) => {
    await prepareState(cwd, paths, {});
    writeFileSync(paths.instanceId, 'enrolled');
    await expect(prepareState(cwd, paths, changed)).rejects.toThrow(option);
  });

  test('further token keys are trusted beside the local one, without private members', async () => {
    const jwks = temporaryFile('jwks.json', '{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b","d":"z","kid":"k"}]}');
    await prepareState(cwd, paths, { jwks });
    const { keys } = JSON.parse(readFileSync(paths.tokenJwks, 'utf8'));
    expect(keys).toHaveLength(2);
    expect(keys[1]).toEqual({ kty: 'EC', crv: 'P-256', x: 'a', y: 'b', kid: 'k' });
    expect(keys[0]).not.toHaveProperty('d');
  });

  test.each([
    ['a list of pods that is not JSON', 'x', 'is not JSON'],
    ['a pod without a node', '[{"namespace":"a","name":"b","uid":"c","serviceAccount":"d"}]', '0.node'],
    [
      'a pod with an unknown member',
      '[{"namespace":"a","name":"b","uid":"c","serviceAccount":"d","node":"e","x":1}]',
      'x',
    ],
  ])('%s is refused', async (_, text, said) => {
    await expect(prepareState(cwd, paths, { pods: temporaryFile('pods.json', text) })).rejects.toThrow(said);
  });
});

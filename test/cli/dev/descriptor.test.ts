import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { readDescriptor, writeDescriptor } from '../../../cli/src/dev/descriptor.ts';
import { devPaths, type DevPaths } from '../../../cli/src/dev/paths.ts';
import { prepareState } from '../../../cli/src/dev/settings.ts';
import { EXIT } from '../../../cli/src/errors.ts';
import { run, temporaryFolder } from '../run.ts';
import { aDescriptor } from './a_descriptor.ts';

let cwd: string;
let paths: DevPaths;
beforeEach(() => {
  cwd = temporaryFolder();
  paths = devPaths(cwd, 'state');
});

describe('dev.json', () => {
  test('has exactly the members other programs rely on', async () => {
    await prepareState(cwd, paths, {});
    writeDescriptor(paths, aDescriptor(paths));
    const written = JSON.parse(readFileSync(paths.descriptor, 'utf8'));
    expect(Object.keys(written)).toEqual(['trustDomain', 'cluster', 'clusterId', 'agent', 'ca', 'tokens', 'pods']);
    expect(Object.keys(written.agent)).toEqual(['address', 'serverName', 'rootCert', 'pid', 'health', 'metrics']);
    expect(Object.keys(written.ca)).toEqual(['url', 'adminTokenFile', 'pid']);
    expect(Object.keys(written.tokens)).toEqual(['issuer', 'audience', 'keyFile', 'alg']);
    expect(readDescriptor(paths)).toEqual(aDescriptor(paths));
  });

  test('without it, a command says how to start', async () => {
    const { code, err } = await run(['token', '--service-account', 'bookinfo/productpage'], {}, cwd);
    expect(code).toBe(EXIT.unavailable);
    expect(err).toContain('npm start');
  });
});

import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { writeDescriptor } from '../../../cli/src/dev/descriptor.ts';
import { devPaths, type DevPaths } from '../../../cli/src/dev/paths.ts';
import { prepareState } from '../../../cli/src/dev/settings.ts';
import { EXIT } from '../../../cli/src/errors.ts';
import { aDescriptor } from '../dev/a_descriptor.ts';
import { run, temporaryFolder } from '../run.ts';

let cwd: string;
let paths: DevPaths;
beforeEach(() => {
  cwd = temporaryFolder();
  paths = devPaths(cwd, 'state');
});

function token(...args: string[]) {
  return run(['token', '--state', 'state', '--service-account', ...args], {}, cwd);
}

describe('ambient-ca token', () => {
  beforeEach(async () => {
    await prepareState(cwd, paths, {});
    writeDescriptor(paths, aDescriptor(paths));
  });

  test('has the claims of a Kubernetes token bound to a pod and a node, and verifies under the enrolled key set', async () => {
    const { code, out } = await token('istio-system/ztunnel', '--pod', 'ztunnel-node-b', '--ttl', '10m');
    expect(code).toBe(EXIT.ok);
    const keySet = createLocalJWKSet(JSON.parse(readFileSync(paths.tokenJwks, 'utf8')));
    const { payload } = await jwtVerify(out.trim(), keySet, { currentDate: new Date(1_795_564_800_000) });
    expect(payload).toMatchObject({
      iss: 'https://kubernetes.default.svc',
      aud: ['istio-ca'],
      sub: 'system:serviceaccount:istio-system:ztunnel',
      exp: 1_795_564_800 + 600,
      'kubernetes.io': {
        namespace: 'istio-system',
        pod: { name: 'ztunnel-node-b' },
        node: { name: 'node-b' },
        serviceaccount: { name: 'ztunnel' },
      },
    });
  });

  test('written to a file has no newline after it, which ztunnel would send along', async () => {
    expect((await token('istio-system/ztunnel')).out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  test('a program that knows only the key file can sign tokens, too', () => {
    expect(createPublicKey(readFileSync(paths.tokenKey)).asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  });

  test('a misspelt account offers the near one', async () => {
    const { code, err } = await token('bookinfo/productpag');
    expect(code).toBe(EXIT.notFound);
    expect(err).toContain('did you mean bookinfo/productpage?');
  });

  test('a pod of another account is refused, and those of the account are named', async () => {
    const { code, err } = await token('istio-system/ztunnel', '--pod', 'details-v1');
    expect(code).toBe(EXIT.notFound);
    expect(err).toContain('ztunnel-node-a, ztunnel-node-b');
  });
});

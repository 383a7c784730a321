import { createPublicKey } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { assertNotRunning } from '../../cli/src/dev/lock.ts';
import { readDescriptor, writeDescriptor, type DevDescriptor } from '../../cli/src/dev/descriptor.ts';
import { Part } from '../../cli/src/dev/part.ts';
import { devPaths, type DevPaths } from '../../cli/src/dev/paths.ts';
import { choosePorts } from '../../cli/src/dev/ports.ts';
import { isAlive } from '../../cli/src/dev/processes.ts';
import { prepareState } from '../../cli/src/dev/settings.ts';
import { EXIT } from '../../cli/src/errors.ts';
import { run, temporaryFile, temporaryFolder } from './run.ts';

let cwd: string;
let paths: DevPaths;
beforeEach(() => {
  cwd = temporaryFolder();
  paths = devPaths(cwd, 'state');
});

function descriptor(): DevDescriptor {
  return {
    trustDomain: 'cluster.local',
    cluster: 'dev',
    clusterId: 'Kubernetes',
    agent: {
      address: '127.0.0.1:7443',
      serverName: 'localhost',
      rootCert: paths.agentRoot,
      pid: 11,
      health: 'http://127.0.0.1:7445/readyz',
      metrics: 'http://127.0.0.1:7446/metrics',
    },
    ca: { url: 'http://127.0.0.1:7444', adminTokenFile: paths.adminToken, pid: 12 },
    tokens: { issuer: 'https://kubernetes.default.svc', audience: 'istio-ca', keyFile: paths.tokenKey, alg: 'ES256' },
    pods: paths.pods,
  };
}

function token(...args: string[]) {
  return run(['token', '--state', 'state', '--service-account', ...args], {}, cwd);
}

describe('dev.json', () => {
  test('has exactly the members other programs rely on', async () => {
    await prepareState(cwd, paths, {});
    writeDescriptor(paths, descriptor());
    const written = JSON.parse(readFileSync(paths.descriptor, 'utf8'));
    expect(Object.keys(written)).toEqual(['trustDomain', 'cluster', 'clusterId', 'agent', 'ca', 'tokens', 'pods']);
    expect(Object.keys(written.agent)).toEqual(['address', 'serverName', 'rootCert', 'pid', 'health', 'metrics']);
    expect(Object.keys(written.ca)).toEqual(['url', 'adminTokenFile', 'pid']);
    expect(Object.keys(written.tokens)).toEqual(['issuer', 'audience', 'keyFile', 'alg']);
    expect(readDescriptor(paths)).toEqual(descriptor());
  });

  test('without it, a command says how to start', async () => {
    const { code, err } = await run(['token', '--service-account', 'bookinfo/productpage'], {}, cwd);
    expect(code).toBe(EXIT.unavailable);
    expect(err).toContain('npm start');
  });
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

describe('ambient-ca token', () => {
  beforeEach(async () => {
    await prepareState(cwd, paths, {});
    writeDescriptor(paths, descriptor());
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

describe('ports', () => {
  test('0 picks four different free ones', async () => {
    const ports = Object.values(await choosePorts(0));
    expect(new Set(ports).size).toBe(4);
    expect(ports.every((port) => port > 0)).toBe(true);
  });

  test('a port that was asked for and is taken is refused', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(choosePorts(port)).rejects.toThrow('is taken');
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('a part', () => {
  let part: Part;
  afterEach(() => part.stop(1_000));

  function partOf(script: string) {
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

test('a lock of a process that is gone, or is not ours, does not keep a start away', async () => {
  await prepareState(cwd, paths, {});
  writeFileSync(paths.lock, '999999999\n');
  expect(() => assertNotRunning(paths)).not.toThrow();
  writeFileSync(paths.lock, '1\n');
  expect(() => assertNotRunning(paths)).not.toThrow();
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PilotAgent } from '../../support/client/pilot_agent.ts';
import type { CsrKey } from '../../support/client/csr.ts';
import { Dev } from '../../support/dev.ts';
import type { Pod } from '../../support/token.ts';
import { binariesNamed, skipWithout } from '../support/binaries.ts';
import { pairs } from '../ztunnel/binaries.ts';
import type { Workload } from '../ztunnel/mesh.ts';
import { workload } from '../ztunnel/workloads.ts';
import type { SanMatch, Upstream } from './bootstrap.ts';
import { EnvoyLab, localAddress, type FileSidecar } from './lab.ts';
import { materialOf, type Material } from './secrets.ts';

const KEYS: readonly CsrKey[] = ['rsa-2048', 'ec-p256', 'ec-p384'];
const PODS = KEYS.map((key, index) => workload(key, 2 + index));

describe.skipIf(skipWithout('envoy mtls', 'ENVOY_BIN'))('Envoys with certificates of the CA', () => {
  const envoys = binariesNamed('ENVOY_BIN');
  const materials = new Map<string, Material>();
  let dev: Dev;
  let lab: EnvoyLab;

  beforeAll(async () => {
    dev = await Dev.start({ pods: PODS });
    for (const [index, key] of KEYS.entries()) {
      const pod = PODS[index]!;
      const client = new PilotAgent({ ...dev.address, token: () => dev.token(pod), key });
      const { csr, chain } = await client.csrSign(dev.identity(pod));
      materials.set(pod.name, materialOf(csr.keyPem, chain));
      client.close();
    }
  });
  afterAll(() => dev.stop());
  beforeEach(() => {
    lab = new EnvoyLab();
  });
  afterEach(() => lab.stop());

  const addressOf = (pod: Pod): string => localAddress(2 + PODS.findIndex(({ name }) => name === pod.name));
  const upstream = (pod: Pod, san: SanMatch = { exact: dev.identity(pod) }): Upstream => ({
    name: pod.name,
    address: addressOf(pod),
    san,
  });
  const start = (
    pod: Pod,
    more: { binary?: (typeof envoys)[number]; upstreams?: readonly Upstream[]; callers?: SanMatch } = {},
  ): Promise<FileSidecar> => {
    const { binary = envoys[0]!, upstreams = PODS.map((each) => upstream(each)), callers } = more;
    const own = { binary, name: pod.name, address: addressOf(pod), material: materials.get(pod.name)!, upstreams };
    return lab.start({ ...own, ...(callers === undefined ? {} : { callers }) });
  };

  test.each(pairs(envoys).map(([one, other]) => [one.name, other.name, one, other] as const))(
    '%s and %s take each other’s, of every type of key, in TLS 1.3 and by the exact identity',
    async (_, __, one, other) => {
      const all = [];
      for (const [index, pod] of PODS.entries()) all.push(await start(pod, { binary: index % 2 === 0 ? one : other }));
      for (const from of all)
        for (const to of PODS.filter(({ name }) => name !== from.name)) {
          const caller = dev.identity(PODS.find(({ name }) => name === from.name)!);
          expect(await from.get(to.name)).toEqual({ text: `200 I am ${to.name}`, caller, tls: 'TLSv1.3' });
        }
    },
  );

  const [A, B, C] = PODS as [Workload, Workload, Workload];

  test('refuse a server that proves to be another than the one that was wanted', async () => {
    const a = await start(A, { upstreams: [upstream(B, { exact: dev.identity(C) })] });
    await start(B);
    const { text } = await a.get(B.name);
    expect(text).toMatch(/^503 .*CERTIFICATE_VERIFY_FAILED/);
    expect(await a.refused()).toMatchObject({ [`cluster.${B.name}.ssl.fail_verify_san`]: 1 });
  });

  test('refuse a client that proves to be another than those that are let in', async () => {
    const [a, c] = [await start(A), await start(C)];
    const b = await start(B, { callers: { exact: dev.identity(C) } });
    expect((await a.get(B.name)).text).toMatch(/^503 /);
    expect(await b.refused()).toEqual({ 'listener.ssl.fail_verify_san': 1 });
    expect((await c.get(B.name)).text).toBe(`200 I am ${B.name}`);
  });
});

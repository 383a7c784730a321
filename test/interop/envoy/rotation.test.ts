import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generateKey, type CsrKey } from '../../support/client/csr.ts';
import { sleep, until } from '../../support/processes.ts';
import {
  BEFORE_ROTATION,
  Rotation,
  ROTATION_PHASES,
  type GenerationName,
  type Served,
} from '../../support/toy/rotation.ts';
import { binariesNamed, skipWithout, type Binary } from '../support/binaries.ts';
import { pairs } from '../ztunnel/binaries.ts';
import type { Upstream } from './bootstrap.ts';
import { EnvoyLab, localAddress, type FileSidecar } from './lab.ts';
import { Requests } from './requests.ts';
import { materialOf, type Material } from './secrets.ts';

const TRUST_DOMAIN = 'cluster.local';
const HOUR = 3_600;
const CHAINS = ['old', 'new'] as const;
const BUNDLES: Readonly<Record<string, readonly GenerationName[]>> = { old: ['old'], both: ['new', 'old'] };

const identity = (name: string): string => `spiffe://${TRUST_DOMAIN}/ns/default/sa/${name}`;

const statuses = (cells: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(cells).map(([to, text]) => [to, text.slice(0, 3)]));

describe.skipIf(skipWithout('envoy rotation', 'ENVOY_BIN'))('Envoys during a rotation of the root', () => {
  const envoys = binariesNamed('ENVOY_BIN');
  let lab: EnvoyLab;
  let rotation: Rotation;

  beforeEach(async () => {
    lab = new EnvoyLab();
    rotation = await Rotation.create(Date.now());
  });
  afterEach(() => lab.stop());

  /** What a workload gets at a step, by the code of the product. */
  const material = (name: string, served: Served, key: CsrKey = 'ec-p256'): Material => {
    const { privateKey, publicKey } = generateKey(key);
    const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
    const chain = rotation.reply({ identity: identity(name), spki }, served, HOUR, Date.now());
    return materialOf(privateKey.export({ type: 'pkcs8', format: 'pem' }), chain);
  };

  /** All of one mesh: each knows each other by address and identity. */
  const startAll = async (of: readonly (readonly [Binary, string, Served])[]): Promise<FileSidecar[]> => {
    const upstreams = of.map(([, name], index): Upstream => {
      return { name, address: localAddress(2 + index), san: { exact: identity(name) } };
    });
    const started: FileSidecar[] = [];
    for (const [index, [binary, name, served]] of of.entries()) {
      const { address } = upstreams[index]!;
      started.push(await lab.start({ binary, name, address, material: material(name, served), upstreams }));
    }
    return started;
  };

  test('every step of chain and bundle passes requests with every other, on every version, both ways', async () => {
    const holders = envoys.flatMap((binary, version) =>
      CHAINS.flatMap((chain) =>
        Object.entries(BUNDLES).map(([bundleName, bundle]) => {
          const served: Served = { chain, bundle, cross: true };
          return [binary, `e${version}-${chain}-chain-${bundleName}`, served] as const;
        }),
      ),
    );
    const all = await startAll(holders);
    const rows: Record<string, Record<string, string>> = {};
    for (const from of all) for (const to of all) (rows[from.name] ??= {})[to.name] = (await from.get(to.name)).text;
    envoys.forEach((binary, version) => console.log(`e${version} is ${binary.name}`));
    console.log(
      'from the row to the column: chain of the leaf, roots it was served (both: the newer one and the older)',
    );
    console.table(Object.fromEntries(Object.entries(rows).map(([from, cells]) => [from, statuses(cells)])));
    for (const cells of Object.values(rows))
      for (const [to, text] of Object.entries(cells)) expect(text).toBe(`200 I am ${to}`);
  });

  test.each(pairs(envoys).map(([one, other]) => [one.name, other.name, one, other] as const))(
    '%s refuses, and is refused by, %s under the newer root without the cross-certificate',
    async (_, __, one, other) => {
      const [before, after] = (await startAll([
        [one, 'before', BEFORE_ROTATION],
        [other, 'after', { chain: 'new', bundle: ['old'], cross: false }],
      ])) as [FileSidecar, FileSidecar];
      expect((await before.get('after')).text).toMatch(/^503 .*CERTIFICATE_VERIFY_FAILED/);
      expect(await before.refused()).toEqual({ 'cluster.after.ssl.fail_verify_error': 1 });
      expect((await after.get('before')).text).toMatch(/^503 /);
      expect(await before.refused()).toMatchObject({ 'listener.ssl.fail_verify_error': 1 });
    },
  );

  const [oldest, newest] = [envoys[0]!, envoys.at(-1)!];
  test.each([
    ['in all its phases', ROTATION_PHASES],
    ['without the first, as in an emergency', ROTATION_PHASES.slice(1)],
  ] as const)('no request fails while two of them go through a rotation one after the other, %s', async (_, phases) => {
    const all = await startAll([
      [oldest, 'a', BEFORE_ROTATION],
      [newest, 'b', BEFORE_ROTATION],
    ]);
    const [a, b] = all as [FileSidecar, FileSidecar];
    const requests = new Requests([
      [a, 'b'],
      [b, 'a'],
    ]);
    for (const phase of phases)
      for (const sidecar of all) {
        const taken = await sidecar.taken('default');
        sidecar.replace(material(sidecar.name, phase));
        await until(`${sidecar.name} takes what is served when ${phase.name}`, 60_000, async () => {
          return (await sidecar.taken('default')) > taken;
        });
        await requests.more(4);
      }
    await sleep(500);
    const answers = await requests.stop();
    expect(answers.filter(({ text }) => !text.startsWith('200 '))).toEqual([]);
    expect([await a.refused(), await b.refused()]).toEqual([{}, {}]);
  });

  test('dropping the older root while a leaf under it lives is an outage, which is why it waits', async () => {
    const [early, late] = (await startAll([
      [newest, 'early', { chain: 'new', bundle: ['new'], cross: true }],
      [oldest, 'late', BEFORE_ROTATION],
    ])) as [FileSidecar, FileSidecar];
    expect((await early.get('late')).text).toMatch(/^503 .*CERTIFICATE_VERIFY_FAILED/);
    expect((await late.get('early')).text).toMatch(/^503 /);
    expect(await early.refused()).toMatchObject({ 'listener.ssl.fail_verify_error': 1 });
    // It is what early trusts that is missing, not what it presents.
    expect(await late.refused()).toEqual({});
  });
});

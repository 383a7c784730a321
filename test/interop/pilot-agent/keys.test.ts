import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Dev } from '../../support/dev.ts';
import { ledgerRows, serialOf } from '../../support/ledger.ts';
import { faultsOf } from '../../support/verify/faults.ts';
import { handshake } from '../../support/verify/handshake.ts';
import { skipWithout } from '../support/binaries.ts';
import { meshOf, workload } from '../ztunnel/workloads.ts';
import { PilotAgents } from './lab.ts';
import type { RealPilotAgent } from './real_pilot_agent.ts';
import { fingerprints } from './written.ts';

const POD = workload('sidecar', 2);
const EC = { ECC_SIGNATURE_ALGORITHM: 'ECDSA' };

interface Row {
  name: string;
  env: Record<string, string>;
  type: string;
  details: Record<string, unknown>;
  label: string;
}

const RSA_LABEL = 'RSA PRIVATE KEY';
const PKCS8_LABEL = 'PRIVATE KEY';
const P256 = { namedCurve: 'prime256v1' };
const rsa = (modulusLength: number): Record<string, unknown> => ({ modulusLength, publicExponent: 65537n });

const KEYS: readonly Row[] = [
  { name: 'RSA-2048, the default', env: {}, type: 'rsa', details: rsa(2048), label: RSA_LABEL },
  { name: 'RSA-3072', env: { WORKLOAD_RSA_KEY_SIZE: '3072' }, type: 'rsa', details: rsa(3072), label: RSA_LABEL },
  { name: 'RSA-4096', env: { WORKLOAD_RSA_KEY_SIZE: '4096' }, type: 'rsa', details: rsa(4096), label: RSA_LABEL },
  { name: 'RSA-2048 as PKCS#8', env: { PKCS8_KEY: 'true' }, type: 'rsa', details: rsa(2048), label: PKCS8_LABEL },
  { name: 'ECDSA, P-256 by default', env: EC, type: 'ec', details: P256, label: 'EC PRIVATE KEY' },
  { name: 'ECDSA P-256', env: { ...EC, ECC_CURVE: 'P256' }, type: 'ec', details: P256, label: 'EC PRIVATE KEY' },
  {
    name: 'ECDSA P-384',
    env: { ...EC, ECC_CURVE: 'P384' },
    type: 'ec',
    details: { namedCurve: 'secp384r1' },
    label: 'EC PRIVATE KEY',
  },
  { name: 'ECDSA as PKCS#8', env: { ...EC, PKCS8_KEY: 'true' }, type: 'ec', details: P256, label: PKCS8_LABEL },
];

describe.skipIf(skipWithout('pilot-agent keys', 'PILOT_AGENT_BIN'))('the real pilot-agent', () => {
  const agents = new PilotAgents();
  let dev: Dev;
  const start = (env: Record<string, string>): Promise<RealPilotAgent> =>
    agents.start({ mesh: meshOf(dev), pod: POD, env });

  beforeAll(async () => {
    dev = await Dev.start({ pods: [POD] });
  });
  afterAll(() => dev.stop());
  afterEach(() => agents.stop());

  test.each(KEYS.map((row) => [row.name, row] as const))(
    'writes out a key, a chain and roots that hold together: %s',
    async (_, { env, type, details, label }) => {
      const written = await (await start(env)).written();
      expect(faultsOf(written, dev.identity(POD))).toEqual([]);
      expect(written.keyPem).toContain(`-----BEGIN ${label}-----`);
      expect(written.key.asymmetricKeyType).toBe(type);
      expect(written.key.asymmetricKeyDetails).toEqual(details);
      // [leaf, intermediate, root]: each element of the reply, and no block lost between two of them.
      expect([written.chain.length, written.intermediates.length, written.roots.length]).toEqual([3, 1, 1]);
      expect(fingerprints(written.chain.slice(2))).toEqual(fingerprints(written.roots));
      expect(written.rootPem.trim()).toBe(dev.rootPem.trim());
    },
  );

  test('asks for what is then in the ledger, under the evidence of its own token', async () => {
    const { leaf } = await (await start(EC)).written();
    const [row] = await ledgerRows(dev, { serial: serialOf(leaf.serialNumber) });
    expect(row).toMatchObject({ identity: dev.identity(POD), podUid: POD.uid, node: POD.node });
  });

  test('lets a workload with an RSA key and one with an EC key shake hands both ways', async () => {
    const [one, other] = [await start({}), await start(EC)];
    const [rsaHeld, ecHeld] = [await one.written(), await other.written()];
    const ok = { client: 'ok', server: 'ok' };
    expect([await handshake(rsaHeld, ecHeld), await handshake(ecHeld, rsaHeld)]).toEqual([ok, ok]);
  });
});

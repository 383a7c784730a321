import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Dev, nodePods } from '../../support/dev.ts';
import { opensslVerify } from '../../support/verify/openssl.ts';
import { binaries, sayIfSkipped, sharedBlocker } from './binaries.ts';
import { Folder } from './mesh.ts';
import { Shared } from './shared.ts';
import { localAddress, meshOf, workload } from './workloads.ts';

const ACCOUNTS = ['a', 'b', 'c', 'd', 'e'];
const { ztunnel, pods } = nodePods('node-1', ACCOUNTS);
const workloads = pods.map((pod, index) => ({ ...pod, address: localAddress(10 + index) }));
const stranger = workload('stranger', 40, 'node-1');

describe.skipIf(sayIfSkipped('shared', sharedBlocker()))('a shared ztunnel', () => {
  let dev: Dev;
  let folder: Folder;
  let shared: Shared | undefined;

  beforeAll(async () => {
    dev = await Dev.start({ pods: [ztunnel, ...pods] });
  });
  afterAll(() => dev.stop());
  beforeEach(() => {
    folder = new Folder();
  });
  afterEach(async () => {
    await shared?.stop();
    shared = undefined;
    folder.remove();
  });

  test.each(binaries().map((binary) => [binary.name, binary] as const))(
    '%s has a certificate for each pod of its node by impersonation',
    async (_, binary) => {
      shared = await Shared.start({ binary, mesh: meshOf(dev), caller: ztunnel, workloads }, folder);
      const held = await shared.available(ACCOUNTS.length);
      expect(held.map((each) => each.identity).sort()).toEqual(pods.map((pod) => dev.identity(pod)).sort());
      for (const { identity, certChain, rootCerts } of held) {
        const [leaf = '', ...intermediates] = certChain.map((each) => Buffer.from(each.pem, 'base64').toString('utf8'));
        const roots = rootCerts.map((each) => Buffer.from(each.pem, 'base64').toString('utf8'));
        expect(new X509Certificate(leaf).subjectAltName).toBe(`URI:${identity}`);
        expect(opensslVerify({ certificate: leaf, intermediates, roots, purpose: 'sslclient' })).toBe('OK');
      }
    },
  );

  test.each(binaries().map((binary) => [binary.name, binary] as const))(
    '%s gets none for a pod that is not there, with a text that tells nothing, and the others get theirs',
    async (_, binary) => {
      const mesh = meshOf(dev);
      shared = await Shared.start({ binary, mesh, caller: ztunnel, workloads: [stranger, ...workloads] }, folder);
      await shared.available(ACCOUNTS.length);
      const refused = (await shared.certificates()).find((each) => each.identity === dev.identity(stranger));
      expect(refused?.state).toMatch(/^Unavailable: signing gRPC error/);
      expect(refused?.state).toContain('request impersonation authentication failure');
      expect(refused?.state).not.toMatch(/stranger|node-1|uid/);
    },
  );
});

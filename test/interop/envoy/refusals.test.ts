import tls from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { binariesNamed, skipWithout, type Binary } from '../support/binaries.ts';
import { PORTS, type Upstream } from './bootstrap.ts';
import { EnvoyLab, localAddress, type FileSidecar } from './lab.ts';
import { identity, makeAuthorities, REFUSED, sound, type Authorities } from './refused_peers.ts';

const [OWN, PEER] = ['own', 'peer'] as const;
const upstreams: readonly Upstream[] = [OWN, PEER].map((name, index) => {
  return { name, address: localAddress(2 + index), san: { exact: identity(name) } };
});

describe.skipIf(skipWithout('envoy refusals', 'ENVOY_BIN'))('an Envoy refuses', () => {
  let authorities: Authorities;
  let lab: EnvoyLab;

  beforeAll(async () => {
    // Older than the certificates that have expired.
    authorities = await makeAuthorities(Date.now() - 3 * 3_600_000);
  });
  beforeEach(() => {
    lab = new EnvoyLab();
  });
  afterEach(() => lab.stop());

  const start = async (binary: Binary, name: string, present = sound(name)): Promise<FileSidecar> => {
    const { address } = upstreams.find((each) => each.name === name)!;
    return lab.start({ binary, name, address, material: present(authorities), upstreams });
  };
  const envoys = binariesNamed('ENVOY_BIN').map((binary) => [binary.name, binary] as const);
  const rows = envoys.flatMap(([name, binary]) => REFUSED.map((peer) => [name, peer.what, binary, peer] as const));

  test.each(envoys)(
    '(%s) nobody whose certificate is sound, so that what follows has its one reason',
    async (_, binary) => {
      const [own, peer] = [await start(binary, OWN), await start(binary, PEER)];
      expect([(await own.get(PEER)).text, (await peer.get(OWN)).text]).toEqual(['200 I am peer', '200 I am own']);
      expect([await own.refused(), await peer.refused()]).toEqual([{}, {}]);
    },
  );

  test.each(rows)('(%s) a peer %s, as server and as client', async (_, __, binary, { counter, present }) => {
    const [own, peer] = [await start(binary, OWN), await start(binary, PEER, present)];
    expect((await own.get(PEER)).text).toMatch(/^503 .*CERTIFICATE_VERIFY_FAILED/);
    expect(await own.refused()).toEqual({ [`cluster.peer.ssl.${counter}`]: 1 });
    expect((await peer.get(OWN)).text).toMatch(/^503 /);
    expect(await own.refused()).toEqual({ [`cluster.peer.ssl.${counter}`]: 1, [`listener.ssl.${counter}`]: 1 });
    // The peer has nothing against us: it is its own certificate that was refused.
    expect(await peer.refused()).toEqual({});
  });

  test.each(envoys)('(%s) a client without a certificate', async (_, binary) => {
    const own = await start(binary, OWN);
    const reason = await new Promise<string>((resolve) => {
      const options = { host: own.address, port: PORTS.inbound, rejectUnauthorized: false, ALPNProtocols: ['h2'] };
      const socket = tls.connect(options);
      // In TLS 1.3 the refusal comes after the client's own handshake has ended.
      socket.on('error', (error) => resolve(error.message));
      socket.on('end', () => resolve('ended without an alert'));
      socket.resume();
    });
    expect(reason).toContain('certificate required');
    expect(await own.refused()).toEqual({ 'listener.ssl.fail_verify_no_cert': 1 });
  });
});

import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PilotAgent } from '../support/client/pilot_agent.ts';
import { identityOf, pemBlocks, readReply } from '../support/client/reply.ts';
import { refreshAt } from '../support/client/schedule.ts';
import { Ztunnel } from '../support/client/ztunnel.ts';
import { ztunnelCsr, type CsrKey } from '../support/client/csr.ts';
import { Dev, nodePods } from '../support/dev.ts';
import { ledgerRows, serialOf } from '../support/ledger.ts';
import type { Pod } from '../support/token.ts';
import { faultsOf } from '../support/verify/faults.ts';
import { handshake } from '../support/verify/handshake.ts';
import { opensslText, opensslVerify, opensslVersion } from '../support/verify/openssl.ts';

const { ztunnel, pods } = nodePods('node-1', ['a', 'b', 'c']);
const [A, B, C] = pods as [Pod, Pod, Pod];
const noOpenssl = opensslVersion() === undefined;

let dev: Dev;
const opened: { close(): void }[] = [];

beforeAll(async () => {
  dev = await Dev.start({ pods: [ztunnel, ...pods] });
});
afterAll(async () => {
  for (const client of opened) client.close();
  await dev.stop();
});

const client = (
  mode: 'shared' | 'dedicated',
  pod: Pod,
  more: { groups?: string; ciphers?: string; secretTtl?: number } = {},
): Ztunnel => {
  const made = new Ztunnel({ ...dev.address, mode, token: () => dev.token(pod), ...more });
  opened.push(made);
  return made;
};
const pilot = (pod: Pod, key: CsrKey): PilotAgent => {
  const made = new PilotAgent({ ...dev.address, token: () => `${dev.token(pod)}\n`, key });
  opened.push(made);
  return made;
};
const pems = (certificates: readonly X509Certificate[]): string[] => certificates.map((each) => each.toString());

describe('a ztunnel of a node', () => {
  test('gets a certificate for each pod of its node by impersonation', async () => {
    const shared = client('shared', ztunnel);
    for (const pod of pods)
      expect(faultsOf(await shared.fetchCertificate(dev.identity(pod)), dev.identity(pod))).toEqual([]);
    expect(shared.channel.connections).toBe(1);
  });

  test('gets the reply in the form that it reads: one block each, newline at the end, the roots last', async () => {
    const csr = ztunnelCsr(dev.identity(A));
    const chain = await client('shared', ztunnel).fetchChain(dev.identity(A), csr.pem);
    expect(chain).toHaveLength(3);
    for (const element of chain) {
      expect(element.endsWith('\n')).toBe(true);
      expect(pemBlocks(element)).toHaveLength(1);
    }
    expect(pemBlocks(dev.rootPem)[0]?.der.equals(pemBlocks(chain.at(-1) ?? '')[0]!.der)).toBe(true);
  });

  test('is given half a life that is not in the past, and a TTL that is spread and never above what was asked', async () => {
    const { leaf } = await client('shared', ztunnel, { secretTtl: 86_400 }).fetchCertificate(dev.identity(A));
    const [from, to] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()];
    expect(refreshAt(from, to)).toBeGreaterThan(Date.now());
    expect(to).toBeLessThanOrEqual(Date.now() + 86_400_000);
    expect(to).toBeGreaterThan(Date.now() + 0.9 * 86_400_000 - 60_000);
  });

  test.each([
    ['below the floor is raised', 1, 600],
    ['above the maximum is cut', 10 ** 9, 7 * 86_400],
    ['of zero is the default', 0, 86_400],
    ['that is negative is the default', -5, 86_400],
  ])('whose TTL %s', async (_, asked, given) => {
    const { leaf } = await client('shared', ztunnel, { secretTtl: asked }).fetchCertificate(dev.identity(A));
    const rest = (leaf.validToDate.getTime() - Date.now()) / 1000;
    expect(rest).toBeLessThanOrEqual(given);
    expect(rest).toBeGreaterThan(0.9 * given - 60);
  });

  test.each(['P-256', 'P-384', 'X25519', 'X25519MLKEM768'])(
    'reaches the agent with the key exchange %s alone',
    async (groups) => {
      const shared = client('shared', ztunnel, { groups });
      expect(faultsOf(await shared.fetchCertificate(dev.identity(A)), dev.identity(A))).toEqual([]);
      expect(shared.channel.socket?.getProtocol()).toBe('TLSv1.3');
    },
  );

  test('can have eight calls in flight on one connection', async () => {
    const shared = client('shared', ztunnel);
    const held = await Promise.all(
      Array.from({ length: 8 }, (_, i) => shared.fetchCertificate(dev.identity(pods[i % 3]!))),
    );
    expect(held.map((each) => each.identity)).toEqual([A, B, C, A, B, C, A, B].map((pod) => dev.identity(pod)));
    expect(new Set(held.map((each) => each.leaf.serialNumber)).size).toBe(8);
    expect(shared.channel.connections).toBe(1);
  });
});

test('a dedicated ztunnel gets its own certificate without metadata', async () => {
  expect(faultsOf(await client('dedicated', B).fetchCertificate(dev.identity(B)), dev.identity(B))).toEqual([]);
});

describe('pilot-agent', () => {
  test.each<[CsrKey]>([['rsa-2048'], ['ec-p256'], ['ec-p384']])(
    'with a key of type %s gets its certificate',
    async (key) => {
      const { csr, chain, certChainPem, rootPem } = await pilot(C, key).csrSign(dev.identity(C));
      expect(faultsOf(readReply(chain, csr.key), dev.identity(C))).toEqual([]);
      // What Envoy will present begins with the leaf, and what it will trust is the last element (istio-contract §B3).
      expect(identityOf(new X509Certificate(pemBlocks(certChainPem)[0]!.der))).toBe(dev.identity(C));
      expect(pemBlocks(certChainPem)).toHaveLength(3);
      expect(pemBlocks(rootPem)).toHaveLength(1);
    },
  );

  test('may ask by the name of istiod, which it puts in the place of localhost', async () => {
    const renamed = new PilotAgent({
      ...dev.address,
      serverName: 'istiod.istio-system.svc',
      token: () => dev.token(C),
      key: 'ec-p256',
    });
    opened.push(renamed);
    const { csr, chain } = await renamed.csrSign(dev.identity(C));
    expect(faultsOf(readReply(chain, csr.key), dev.identity(C))).toEqual([]);
  });
});

test('workloads of both kinds of client shake hands both ways', async () => {
  const a = await client('shared', ztunnel).fetchCertificate(dev.identity(A));
  const signed = await pilot(C, 'rsa-2048').csrSign(dev.identity(C));
  const c = readReply(signed.chain, signed.csr.key);
  expect([await handshake(a, c), await handshake(c, a)]).toEqual([
    { client: 'ok', server: 'ok' },
    { client: 'ok', server: 'ok' },
  ]);
});

test('without a clusterid header the caller is taken to be of this cluster', async () => {
  const csr = ztunnelCsr(dev.identity(A));
  const made = new Ztunnel({
    ...dev.address,
    mode: 'shared',
    token: () => undefined,
    caHeaders: { authorization: `Bearer ${dev.token(ztunnel)}` },
  });
  opened.push(made);
  expect(await made.fetchChain(dev.identity(A), csr.pem)).toHaveLength(3);
});

describe.skipIf(noOpenssl)('OpenSSL with -x509_strict', () => {
  test('takes every certificate that is handed out or served: leaf, serving certificate, intermediates, root', async () => {
    const shared = client('shared', ztunnel);
    const { leaf, intermediates, roots } = await shared.fetchCertificate(dev.identity(A));
    const rootPems = pems(roots);
    const serving = shared.channel.socket!.getPeerX509Certificate()!;
    const servingChain: X509Certificate[] = [];
    for (let at = serving.issuerCertificate; at !== undefined && at.subject !== at.issuer; at = at.issuerCertificate)
      servingChain.push(at);
    const results = [
      opensslVerify({
        certificate: leaf.toString(),
        intermediates: pems(intermediates),
        roots: rootPems,
        purpose: 'sslclient',
      }),
      opensslVerify({
        certificate: serving.toString(),
        intermediates: pems(servingChain),
        roots: rootPems,
        purpose: 'sslserver',
      }),
      ...pems([...intermediates, ...servingChain, ...roots]).map((certificate) =>
        opensslVerify({ certificate, intermediates: [], roots: rootPems, purpose: 'any' }),
      ),
    ];
    expect(results).toEqual(results.map(() => 'OK'));
    expect(servingChain).toHaveLength(1);
  });

  test('shows the profiles as they are designed', async () => {
    const { leaf, intermediates, roots } = await client('shared', ztunnel).fetchCertificate(dev.identity(A));
    const [leafText, intermediateText, rootText] = [leaf, intermediates[0]!, roots[0]!].map((each) =>
      opensslText(each.toString()),
    );
    expect(leafText).toMatch(/Subject: ?\n/);
    expect(leafText).toMatch(/Subject Alternative Name: critical\n\s+URI:spiffe:/);
    expect(leafText).toMatch(/Basic Constraints: critical\n\s+CA:FALSE/);
    expect(leafText).toMatch(/Key Usage: critical\n\s+Digital Signature\n/);
    expect(leafText).toMatch(/Extended Key Usage: ?\n\s+TLS Web Server Authentication, TLS Web Client Authentication/);
    expect(intermediateText).toMatch(/Basic Constraints: critical\n\s+CA:TRUE, pathlen:0/);
    expect(intermediateText).toMatch(/Name Constraints: critical/);
    expect(intermediateText).not.toMatch(/Name Constraints[\s\S]*URI:/);
    expect(rootText).toMatch(/Basic Constraints: critical\n\s+CA:TRUE\n/);
    for (const ca of [intermediateText, rootText])
      expect(ca).toMatch(/Key Usage: critical\n\s+Certificate Sign, CRL Sign/);
  });
});

test('each issuance is in the ledger, with its level of evidence', async () => {
  const own = await client('dedicated', A).fetchCertificate(dev.identity(A));
  const forOther = await client('shared', ztunnel).fetchCertificate(dev.identity(B));
  for (const [held, podUid, level] of [
    [own, A.uid, 'token'],
    [forOther, ztunnel.uid, 'token+agent'],
  ] as const) {
    const rows = await ledgerRows(dev, { serial: serialOf(held.leaf.serialNumber) });
    expect(rows).toMatchObject([
      { identity: held.identity, podUid, level, node: 'node-1', notAfter: held.leaf.validToDate.getTime() },
    ]);
  }
});

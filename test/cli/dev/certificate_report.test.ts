import { describe, expect, test } from 'vitest';
import { describeReport, reportOn } from '../../../cli/src/dev/certificate_report.ts';
import type { WorkloadCertificate } from '../../../cli/src/dev/workload.ts';
import { generateNodeKey, nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { issuerTemplate, lintLeaf, prepareLeaf, randomSerial, signLeaf } from '../../../pki/src/leaf/prepare.ts';
import { encodePem } from '../../../pki/src/pem.ts';
import { parsePublicKey } from '../../../pki/src/public_key.ts';
import { assembleReply } from '../../../pki/src/reply.ts';
import { testIntermediate, testRoot } from '../../pki/authority.ts';

// OpenSSL verifies by its own clock.
const now = Math.floor(Date.now() / 1000) * 1000;
const IDENTITY = 'spiffe://cluster.local/ns/bookinfo/sa/productpage';
const root = await testRoot('ec-p256', now);
const svid = await testIntermediate(root, 'svid', { now });

function issued(): WorkloadCertificate {
  const key = generateNodeKey('ec-p256');
  const linted = lintLeaf(
    prepareLeaf({
      profile: 'svid',
      uri: IDENTITY,
      publicKey: parsePublicKey(key.spki),
      spki: key.spki,
      notBefore: now - 300_000,
      notAfter: now + 86_400_000,
      serial: randomSerial((length) => nodeCrypto().random(length)),
      issuer: issuerTemplate(svid.certificate),
    }),
    now,
  );
  const leaf = signLeaf(linted, svid.signer);
  const chain = assembleReply({
    leaf,
    intermediates: [svid.certificate],
    crosses: [],
    roots: [root.certificate],
  });
  return { identity: IDENTITY, keyPem: encodePem('PRIVATE KEY', key.pkcs8), chain };
}

test('a certificate is reported with its identity, issuer, lifetime and who verified it', async () => {
  const report = await reportOn(issued(), now);
  expect(report).toMatchObject({ identity: IDENTITY, lifeSeconds: 86_400, intermediates: 1, roots: 1 });
  expect(report.issuer).toMatch(/^cluster\.local svid /);
  expect(report.verifiedBy[0]).toBe('ambient-ca’s own chain rules');
  expect(describeReport(report)).toContain('(ends in 1d)');
});

describe('what a mesh would refuse is refused', () => {
  const other = generateNodeKey('ec-p256');

  test.each<[string, (got: WorkloadCertificate) => WorkloadCertificate, string]>([
    ['another identity', (got) => ({ ...got, identity: IDENTITY.replace('bookinfo', 'shop') }), 'asked was'],
    ['another key', (got) => ({ ...got, keyPem: encodePem('PRIVATE KEY', other.pkcs8) }), 'another key'],
    ['no intermediate', (got) => ({ ...got, chain: [got.chain[0] ?? '', got.chain.at(-1) ?? ''] }), 'does not verify'],
    ['a leaf alone', (got) => ({ ...got, chain: got.chain.slice(0, 1) }), 'cannot be read'],
    ['nothing', (got) => ({ ...got, chain: [] }), 'cannot be read'],
  ])('%s', async (_, change, said) => {
    await expect(reportOn(change(issued()), now)).rejects.toMatchObject({
      code: 'unverified',
      message: expect.stringContaining(said),
    });
  });

  test('an expired one', async () => {
    await expect(reportOn(issued(), now + 2 * 86_400_000)).rejects.toMatchObject({ code: 'unverified' });
  });
});

import { describe, expect, it } from 'vitest';
import { createCrossCertificate } from '../../pki/src/authority/cross.ts';
import { generateNodeKey, nodeCrypto } from '../../pki/src/crypto/node.ts';
import { verifyChain } from '../../pki/src/chain/verify.ts';
import { issuerTemplate, lintLeaf, prepareLeaf, signLeaf, type LeafFacts } from '../../pki/src/leaf/prepare.ts';
import { ANSWER_KEY_NAME } from '../../pki/src/profiles.ts';
import { NOW, testIntermediate, testRoot, type Authority } from './authority.ts';
import { importedRoot } from './imported_root.ts';
import { servingFacts, svidFacts } from './leaf/facts.ts';
import { opensslVerify, opensslVersion, skipMessage } from './openssl.ts';
import { dns, ip, mail, san, signTbs, svidExtensions, writeTbs } from './tbs.ts';

const crypto = nodeCrypto();
const issue = (issuer: Authority, facts: LeafFacts): Uint8Array =>
  signLeaf(lintLeaf(prepareLeaf({ ...facts, issuer: issuerTemplate(issuer.certificate) }), NOW), issuer.signer);

/** Of each purpose, whether OpenSSL and whether our own chain verification accept the chain. */
interface Verdicts {
  readonly server: readonly [openssl: boolean, ours: boolean];
  readonly client: readonly [openssl: boolean, ours: boolean];
}

const ACCEPTED: Verdicts = { server: [true, true], client: [true, true] };
const SERVER_ONLY: Verdicts = { server: [true, true], client: [false, false] };
const REFUSED: Verdicts = { server: [false, false], client: [false, false] };

function verdicts(leaf: Uint8Array, untrusted: Uint8Array[], roots: Uint8Array[]): Verdicts {
  const ask = (purpose: 'server' | 'client'): [boolean, boolean] => [
    opensslVerify({ leaf, untrusted, roots, time: NOW, purpose: `ssl${purpose}` }) === 'OK',
    verifyChain({ crypto, leaf, intermediates: untrusted, roots, now: NOW, purpose }).ok,
  ];
  return { server: ask('server'), client: ask('client') };
}

describe.skipIf(opensslVersion === null)(`openssl verify -x509_strict accepts what we make${skipMessage}`, () => {
  it.each(['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const)('an SVID of a %s key', async (type) => {
    const root = await testRoot();
    const intermediate = await testIntermediate(root);
    const { spki } = generateNodeKey(type);
    expect(verdicts(issue(intermediate, svidFacts({ spki })), [intermediate.certificate], [root.certificate])).toEqual(
      ACCEPTED,
    );
  });

  it('a serving certificate and the certificate of an answer key, as servers only', async () => {
    const root = await testRoot();
    const intermediate = await testIntermediate(root, 'serving');
    for (const facts of [servingFacts(), servingFacts({ profile: 'answer', dnsNames: [ANSWER_KEY_NAME] })]) {
      expect(verdicts(issue(intermediate, facts), [intermediate.certificate], [root.certificate])).toEqual(SERVER_ONLY);
    }
  });

  it.each(['ec-p256', 'ec-p384', 'rsa-2048'] as const)('an SVID under a %s root and intermediate', async (type) => {
    const root = await testRoot(type);
    const intermediate = await testIntermediate(root, 'svid', { type });
    expect(verdicts(issue(intermediate, svidFacts()), [intermediate.certificate], [root.certificate])).toEqual(
      ACCEPTED,
    );
  });

  it.each(['rsa-2048', 'rsa-3072', 'ec-p384'] as const)('an SVID under an imported %s root', async (type) => {
    const root = await importedRoot(type);
    const intermediate = await testIntermediate(root);
    expect(verdicts(issue(intermediate, svidFacts()), [intermediate.certificate], [root.certificate])).toEqual(
      ACCEPTED,
    );
  });

  it('an SVID by cross-certificate for those who know only the older root, in either order, and without it for the others', async () => {
    const [older, newer] = [await testRoot('ec-p384'), await testRoot()];
    const intermediate = await testIntermediate(newer);
    const issuer = { certificate: older.certificate, signingKey: older.privateKey };
    const cross = await createCrossCertificate({ newer: newer.certificate, older: issuer, now: NOW });
    const leaf = issue(intermediate, svidFacts());
    expect(verdicts(leaf, [intermediate.certificate, cross], [older.certificate])).toEqual(ACCEPTED);
    expect(verdicts(leaf, [cross, intermediate.certificate], [older.certificate])).toEqual(ACCEPTED);
    expect(verdicts(leaf, [intermediate.certificate, cross], [newer.certificate])).toEqual(ACCEPTED);
    expect(verdicts(leaf, [intermediate.certificate, cross], [older.certificate, newer.certificate])).toEqual(ACCEPTED);
    expect(verdicts(leaf, [intermediate.certificate], [newer.certificate])).toEqual(ACCEPTED);
    expect(verdicts(leaf, [intermediate.certificate], [older.certificate])).toEqual(REFUSED);
  });

  it('the same across an RSA and an imported root', async () => {
    const [older, newer] = [await importedRoot('rsa-2048'), await testRoot('ec-p384')];
    const intermediate = await testIntermediate(newer);
    const issuer = { certificate: older.certificate, signingKey: older.privateKey };
    const cross = await createCrossCertificate({ newer: newer.certificate, older: issuer, now: NOW });
    expect(verdicts(issue(intermediate, svidFacts()), [intermediate.certificate, cross], [older.certificate])).toEqual(
      ACCEPTED,
    );
  });

  it('roots, intermediates and cross-certificates by themselves', async () => {
    const [older, newer] = [await testRoot(), await testRoot('ec-p384')];
    const issuer = { certificate: older.certificate, signingKey: older.privateKey };
    const made = [
      older.certificate,
      await createCrossCertificate({ newer: newer.certificate, older: issuer, now: NOW }),
      ...(await Promise.all(
        (['svid', 'serving', 'issuer'] as const).map(
          async (profile) => (await testIntermediate(older, profile)).certificate,
        ),
      )),
    ];
    for (const leaf of made) expect(opensslVerify({ leaf, roots: [older.certificate], time: NOW })).toBe('OK');
  });

  it('and refuses, as we do, an SVID that has expired', async () => {
    const root = await testRoot();
    const intermediate = await testIntermediate(root);
    const leaf = issue(intermediate, svidFacts());
    const time = NOW + 86_401_000;
    const said = opensslVerify({ leaf, untrusted: [intermediate.certificate], roots: [root.certificate], time });
    expect(said).toMatch(/certificate has expired/);
  });

  it.each(['dns', 'ip', 'mail'] as const)(
    'and a stolen svid intermediate cannot make a %s certificate',
    async (kind) => {
      const root = await testRoot();
      const stolen = await testIntermediate(root);
      const { certificate, subjectKeyId: keyId } = issuerTemplate(stolen.certificate);
      const names = { dns: dns('istiod.istio-system.svc'), ip: ip(10, 0, 0, 1), mail: mail('a@example.com') };
      const extensions = svidExtensions({ authorityKeyId: keyId, replace: { san: san([names[kind]]) } });
      const { spki } = generateNodeKey('ec-p256');
      const leaf = signTbs(writeTbs({ issuer: certificate.subject, spki, extensions }), stolen.signer);
      expect(verdicts(leaf, [stolen.certificate], [root.certificate])).toEqual(REFUSED);
    },
  );
});

import { describe, expect, it } from 'vitest';
import { createCrossCertificate } from '../../../pki/src/authority/cross.ts';
import { createIntermediate } from '../../../pki/src/authority/intermediate.ts';
import { createRoot } from '../../../pki/src/authority/root.ts';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { verifyChain } from '../../../pki/src/chain/verify.ts';
import { webCrypto, webSigner } from '../../../pki/src/crypto/web.ts';
import {
  compareSigned,
  issuerTemplate,
  lintLeaf,
  prepareLeaf,
  randomSerial,
  signLeaf,
} from '../../../pki/src/leaf/prepare.ts';
import { authorityValidity } from '../../../pki/src/lifetimes.ts';

/** Everything the CA makes, made where it runs: the library and WebCrypto of workerd, not those of Node. */
const NOW = Date.UTC(2026, 0, 1);

async function newKey(namedCurve: 'P-256' | 'P-384'): Promise<{ privateKey: CryptoKey; spki: Uint8Array }> {
  const pair = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve }, true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const spki = new Uint8Array((await crypto.subtle.exportKey('spki', pair.publicKey)) as ArrayBuffer);
  return { privateKey: pair.privateKey, spki };
}

async function newRoot(
  namedCurve: 'P-256' | 'P-384',
  commonName: string,
): Promise<{ certificate: Uint8Array; signingKey: CryptoKey }> {
  const { privateKey, spki } = await newKey(namedCurve);
  const certificate = await createRoot({ privateKey, spki, commonName, ...authorityValidity('root', NOW) });
  return { certificate, signingKey: privateKey };
}

describe('inside workerd', () => {
  it.each(['P-256', 'P-384'] as const)(
    'a %s root, its intermediates, a leaf and a cross-certificate make chains',
    async (curve) => {
      const older = await newRoot(curve, 'cluster.local root 00000001');
      const newer = await newRoot('P-256', 'cluster.local root 00000002');
      const { privateKey, spki } = await newKey('P-256');
      const intermediate = await createIntermediate({
        profile: 'svid',
        subjectSpki: spki,
        commonName: 'cluster.local svid 00000003',
        issuer: newer,
        ...authorityValidity('svid', NOW),
      });
      const cross = await createCrossCertificate({ newer: newer.certificate, older, now: NOW });
      const subject = await newKey('P-256');
      const linted = lintLeaf(
        prepareLeaf({
          profile: 'svid',
          uri: 'spiffe://cluster.local/ns/default/sa/a',
          publicKey: { kind: 'ec', curve: 'P-256' },
          spki: subject.spki,
          notBefore: NOW - 300_000,
          notAfter: NOW + 86_400_000,
          serial: randomSerial((length) => crypto.getRandomValues(new Uint8Array(length))),
          issuer: issuerTemplate(intermediate),
        }),
        NOW,
      );
      const leaf = await signLeaf(linted, webSigner(privateKey, spki));
      compareSigned(linted, leaf);
      for (const roots of [[newer.certificate], [older.certificate]]) {
        const result = await verifyChain({
          crypto: webCrypto(),
          leaf,
          intermediates: [intermediate, cross],
          roots,
          now: NOW,
          purpose: 'both',
        });
        expect(result).toMatchObject({ ok: true });
      }
      expect(parseCertificate(cross).basicConstraints).toEqual({ ca: true, pathLength: 1 });
    },
  );

  it("for tenants an intermediate cannot make the answer key's name", async () => {
    const issuer = await newRoot('P-256', 'cluster.local root 00000004');
    const { spki } = await newKey('P-256');
    const certificate = await createIntermediate({
      profile: 'issuer',
      subjectSpki: spki,
      commonName: 'cluster.local issuer 00000005',
      issuer,
      ...authorityValidity('issuer', NOW),
      reservedNames: ['istiod.istio-system.svc'],
    });
    expect(parseCertificate(certificate).nameConstraints?.excluded.dns).toEqual([
      'answers.ambient-ca.invalid',
      'istiod.istio-system.svc',
    ]);
  });
});

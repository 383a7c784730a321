import { X509Certificate as NodeCertificate } from 'node:crypto';

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../pki/src/bytes.ts';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { generateNodeKey, nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { webSigner } from '../../../pki/src/crypto/web.ts';

import {
  compareSigned,
  issuerTemplate,
  lintLeaf,
  prepareLeaf,
  randomSerial,
  signLeaf,
} from '../../../pki/src/leaf/prepare.ts';
import { KEY_USAGE } from '../../../pki/src/profiles.ts';
import { NOW, testIntermediate } from '../authority.ts';
import { X509Certificate } from '../peculiar.ts';
import { IDENTITY, leafKey, root, serving, servingFacts, svid, svidFacts } from './facts.ts';

const port = nodeCrypto();
const random = (length: number): Uint8Array => port.random(length);
const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);

describe('a leaf that is prepared, linted and signed', () => {
  it('is an SVID of exactly the profile', () => {
    const facts = svidFacts();
    const linted = lintLeaf(prepareLeaf(facts), NOW);
    const der = signLeaf(linted, svid.signer);
    compareSigned(linted, der);
    const leaf = parseCertificate(der);
    expect(leaf).toMatchObject({
      uriSans: [IDENTITY],
      dnsSans: [],
      otherSans: false,
      basicConstraints: { ca: false, pathLength: null },
      keyUsage: KEY_USAGE.digitalSignature,
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
      notBefore: facts.notBefore,
      notAfter: facts.notAfter,
      subjectKeyId: null,
      nameConstraints: null,
    });
    expect(leaf.spki).toEqual(leafKey.spki);
    expect(leaf.serial).toEqual(facts.serial);
    expect(leaf.issuer).toEqual(parseCertificate(svid.certificate).subject);
    expect(leaf.authorityKeyId).toEqual(parseCertificate(svid.certificate).subjectKeyId);
  });

  it('reads the same to Node and to @peculiar/x509', async () => {
    const facts = svidFacts();
    const der = signLeaf(lintLeaf(prepareLeaf(facts), NOW), svid.signer);
    const node = new NodeCertificate(der);
    expect(node.subjectAltName).toBe(`URI:${IDENTITY}`);
    expect(node.serialNumber.toLowerCase()).toBe(toHex(facts.serial));
    expect(node.ca).toBe(false);
    expect(node.checkIssued(new NodeCertificate(svid.certificate))).toBe(true);
    expect(node.verify(new NodeCertificate(svid.certificate).publicKey)).toBe(true);
    const peculiar = new X509Certificate(Uint8Array.from(der));
    expect(peculiar.subject).toBe('');
    expect(peculiar.notAfter.getTime()).toBe(facts.notAfter);
    expect(peculiar.extensions.filter(({ critical }) => critical)).toHaveLength(3);
    const publicKey = new X509Certificate(Uint8Array.from(svid.certificate)).publicKey;
    expect(await peculiar.verify({ publicKey, date: new Date(NOW) })).toBe(true);
  });

  it('carries keyEncipherment if, and only if, its key is RSA', () => {
    const { spki } = generateNodeKey('rsa-2048');
    const der = signLeaf(lintLeaf(prepareLeaf(svidFacts({ spki })), NOW), svid.signer);
    expect(parseCertificate(der).keyUsage).toBe(KEY_USAGE.digitalSignature | KEY_USAGE.keyEncipherment);
  });

  it('for serving holds exactly the DNS names, and serverAuth alone', () => {
    const dnsNames = ['istiod.istio-system.svc', 'istiod-canary.istio-system.svc'];
    const der = signLeaf(lintLeaf(prepareLeaf(servingFacts({ dnsNames })), NOW), serving.signer);
    expect(parseCertificate(der)).toMatchObject({
      dnsSans: dnsNames,
      uriSans: [],
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'],
    });
  });

  it('for answers holds the reserved name', () => {
    const facts = servingFacts({ profile: 'answer', dnsNames: ['answers.ambient-ca.invalid'] });
    const der = signLeaf(lintLeaf(prepareLeaf(facts), NOW), serving.signer);
    expect(parseCertificate(der).dnsSans).toEqual(['answers.ambient-ca.invalid']);
  });

  it('is signed with a promise when the signer is WebCrypto', async () => {
    const signed = signLeaf(lintLeaf(prepareLeaf(svidFacts()), NOW), webSigner(svid.privateKey, svid.spki));
    expect(signed).toBeInstanceOf(Promise);
    expect(parseCertificate(await signed).uriSans).toEqual([IDENTITY]);
  });

  it.each([
    ['ec-p256', 'ecdsa-sha256'],
    ['ec-p384', 'ecdsa-sha384'],
    ['rsa-2048', 'rsa-sha256'],
  ] as const)('is signed by a %s intermediate with %s', async (type, algorithm) => {
    const intermediate = await testIntermediate(root, 'svid', { type });
    const facts = svidFacts({ issuer: issuerTemplate(intermediate.certificate) });
    const linted = lintLeaf(prepareLeaf(facts), NOW);
    const der = signLeaf(linted, intermediate.signer);
    compareSigned(linted, der);
    expect(parseCertificate(der).signatureAlgorithm).toBe(algorithm);
    expect(new NodeCertificate(der).verify(new NodeCertificate(intermediate.certificate).publicKey)).toBe(true);
  });

  it('reads back to its facts for any legal identity, validity and serial', () => {
    const identity = fc.record({ trustDomain: label, namespace: label, serviceAccount: label });
    const back = fc.integer({ min: 0, max: 300 });
    const life = fc.integer({ min: 601, max: 604_800 });
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(identity, back, life, bytes, ({ trustDomain, namespace, serviceAccount }, before, after, drawn) => {
        const uri = `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
        const serial = randomSerial(() => drawn);
        const facts = svidFacts({ uri, notBefore: NOW - before * 1000, notAfter: NOW + after * 1000, serial });
        const leaf = parseCertificate(signLeaf(lintLeaf(prepareLeaf(facts), NOW), svid.signer));
        expect(leaf).toMatchObject({ uriSans: [uri], notBefore: facts.notBefore, notAfter: facts.notAfter });
        expect(leaf.serial).toEqual(serial);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a prepared leaf', () => {
  it('gives its serial and validity for the record, and nothing that can be changed', () => {
    const facts = svidFacts();
    const prepared = prepareLeaf(facts);
    expect(prepared).toMatchObject({ notBefore: facts.notBefore, notAfter: facts.notAfter });
    prepared.serial.fill(0);
    expect(prepared.serial).toEqual(facts.serial);
    expect(Object.keys(prepared)).toEqual([]);
    expect(JSON.stringify(prepared)).toBe('{}');
  });
});

describe('serials', () => {
  it('are sixteen octets that make a positive INTEGER, whatever was drawn', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (drawn) => {
        const serial = randomSerial(() => drawn);
        expect(serial).toHaveLength(16);
        expect(serial[0]).toBeGreaterThan(0);
        expect(serial[0]).toBeLessThan(0x80);
        expect(serial.subarray(1)).toEqual(drawn.subarray(1));
      }),
    );
  });

  it('do not repeat', () => {
    expect(new Set(Array.from({ length: 1000 }, () => toHex(randomSerial(random)))).size).toBe(1000);
  });
});

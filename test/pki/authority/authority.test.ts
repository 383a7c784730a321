import { X509Certificate as NodeCertificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createCrossCertificate } from '../../../pki/src/authority/cross.ts';
import { createIntermediate } from '../../../pki/src/authority/intermediate.ts';
import { keyIdentifier } from '../../../pki/src/authority/key_id.ts';
import { authorityCommonName, authorityName } from '../../../pki/src/authority/name.ts';
import { createRoot } from '../../../pki/src/authority/root.ts';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { authorityValidity } from '../../../pki/src/lifetimes.ts';
import { KEY_USAGE } from '../../../pki/src/profiles.ts';
import { authorityKey, NOW, testIntermediate, testRoot } from '../authority.ts';
import { X509Certificate } from '../peculiar.ts';

const CA_USAGE = KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign;
const empty = { dns: [], ip: [], mail: [] };
const root = await testRoot();
const code = (value: string): unknown => expect.objectContaining({ code: value });

describe('a root', () => {
  it.each([
    ['ec-p256', 'ecdsa-sha256'],
    ['ec-p384', 'ecdsa-sha384'],
    ['rsa-3072', 'rsa-sha256'],
  ] as const)(
    'of %s is signed by itself, has no pathlen and may sign certificates and CRLs',
    async (type, algorithm) => {
      const { certificate, spki } = await testRoot(type);
      const parsed = parseCertificate(certificate);
      expect(parsed).toMatchObject({
        basicConstraints: { ca: true, pathLength: null },
        keyUsage: CA_USAGE,
        extendedKeyUsage: null,
        authorityKeyId: null,
        nameConstraints: null,
        signatureAlgorithm: algorithm,
        notBefore: NOW - 3_600_000,
        notAfter: Date.UTC(2036, 0, 1),
      });
      expect(parsed.subject).toEqual(parsed.issuer);
      expect(parsed.subjectKeyId).toEqual(await keyIdentifier(spki));
      expect(parsed.serial).toHaveLength(16);
      const node = new NodeCertificate(certificate);
      expect(node.ca).toBe(true);
      expect(node.verify(node.publicKey)).toBe(true);
    },
  );

  it('has a name of its own', async () => {
    const other = await testRoot();
    expect(new NodeCertificate(root.certificate).subject).toMatch(/^O=ambient-ca\nCN=cluster\.local root [0-9a-f]{8}$/);
    expect(parseCertificate(other.certificate).subject).not.toEqual(parseCertificate(root.certificate).subject);
  });
});

describe('an intermediate', () => {
  it('for SVIDs cannot make DNS, IP or e-mail certificates, by the constraints that every TLS stack enforces', async () => {
    const { certificate } = await testIntermediate(root, 'svid');
    const parsed = parseCertificate(certificate);
    expect(parsed).toMatchObject({
      basicConstraints: { ca: true, pathLength: 0 },
      keyUsage: CA_USAGE,
      nameConstraints: {
        permitted: { ...empty, mail: ['svid.invalid'] },
        excluded: { dns: [''], ip: [new Uint8Array(8), new Uint8Array(32)], mail: [] },
        uri: false,
        directoryName: false,
        other: false,
      },
    });
    expect(parsed.extensions.find(({ oid }) => oid === '2.5.29.30')?.critical).toBe(true);
    expect(parsed.authorityKeyId).toEqual(parseCertificate(root.certificate).subjectKeyId);
    expect(parsed.issuer).toEqual(parseCertificate(root.certificate).subject);
  });

  it('for serving is not constrained', async () => {
    const { certificate } = await testIntermediate(root, 'serving');
    expect(parseCertificate(certificate)).toMatchObject({ nameConstraints: null, basicConstraints: { pathLength: 0 } });
  });

  it("for tenants cannot make the answer key's name nor those of the control plane", async () => {
    const { certificate } = await testIntermediate(root, 'issuer', { reservedNames: ['istiod.istio-system.svc'] });
    expect(parseCertificate(certificate).nameConstraints).toMatchObject({
      permitted: empty,
      excluded: { dns: ['answers.ambient-ca.invalid', 'istiod.istio-system.svc'], ip: [], mail: [] },
    });
  });

  it.each(['ec-p384', 'rsa-2048'] as const)('stands under a %s root', async (type) => {
    const other = await testRoot(type);
    const { certificate } = await testIntermediate(other);
    const peculiar = new X509Certificate(Uint8Array.from(certificate));
    const publicKey = new X509Certificate(Uint8Array.from(other.certificate)).publicKey;
    expect(await peculiar.verify({ publicKey, date: new Date(NOW) })).toBe(true);
  });
});

describe('a cross-certificate', () => {
  it('is the newer root, name and key identifier byte for byte, issued by the older one until its end', async () => {
    const newer = await testRoot('ec-p384', NOW + 86_400_000);
    const older = { certificate: root.certificate, signingKey: root.privateKey };
    const der = await createCrossCertificate({ newer: newer.certificate, older, now: NOW + 86_400_000 });
    const [cross, a, b] = [der, root.certificate, newer.certificate].map(parseCertificate);
    expect(cross?.subject).toEqual(b?.subject);
    expect(cross?.spki).toEqual(b?.spki);
    expect(cross?.subjectKeyId).toEqual(b?.subjectKeyId);
    expect(cross?.issuer).toEqual(a?.subject);
    expect(cross?.authorityKeyId).toEqual(a?.subjectKeyId);
    expect(cross?.notAfter).toBe(a?.notAfter);
    expect(cross?.notBefore).toBe(NOW + 86_400_000 - 3_600_000);
    expect(cross?.basicConstraints).toEqual({ ca: true, pathLength: 1 });
    expect(new NodeCertificate(der).verify(new NodeCertificate(root.certificate).publicKey)).toBe(true);
  });

  it('ends with the newer root when that ends first', async () => {
    const early = await testRoot('ec-p256', NOW - 86_400_000);
    const older = { certificate: root.certificate, signingKey: root.privateKey };
    const der = await createCrossCertificate({ newer: early.certificate, older, now: NOW });
    expect(parseCertificate(der).notAfter).toBe(parseCertificate(early.certificate).notAfter);
  });
});

describe('names of authorities', () => {
  it('a long trust domain is cut, its role and id are not', () => {
    const commonName = authorityCommonName('a'.repeat(255), 'intermediate', 'deadbeef');
    expect(commonName).toHaveLength(64);
    expect(commonName).toMatch(/^a+ intermediate deadbeef$/);
    expect(() => authorityName(commonName)).not.toThrow();
  });

  it.each(['', ' a', 'a"b', 'a\\,b', '#30', 'é', 'a'.repeat(65)])('the common name "%s" is refused', (commonName) => {
    expect(() => authorityName(commonName)).toThrow(expect.objectContaining({ code: 'profile-facts' }));
  });
});

describe('what is not its profile is not made', () => {
  const validity = authorityValidity('svid', NOW);

  it('a CA below an intermediate', async () => {
    const intermediate = await testIntermediate(root);
    await expect(testIntermediate(intermediate)).rejects.toThrow(code('authority-profile'));
  });

  it('an intermediate signed by a key that is not its issuer', async () => {
    const { privateKey } = await authorityKey();
    const { spki } = await authorityKey();
    const issuer = { certificate: root.certificate, signingKey: privateKey };
    const made = createIntermediate({ profile: 'svid', subjectSpki: spki, commonName: 'a', issuer, ...validity });
    await expect(made).rejects.toThrow(/not by its issuer/);
  });

  it('an intermediate that outlives its profile or its root', async () => {
    const { spki } = await authorityKey();
    const issuer = { certificate: root.certificate, signingKey: root.privateKey };
    const base = { profile: 'svid', subjectSpki: spki, commonName: 'a', issuer } as const;
    const longer = createIntermediate({ ...base, ...validity, notAfter: validity.notAfter + 1000 });
    await expect(longer).rejects.toThrow(/breaks validity/);
    const old = await testRoot('ec-p256', NOW - 3652 * 86_400_000);
    const oldIssuer = { certificate: old.certificate, signingKey: old.privateKey };
    await expect(createIntermediate({ ...base, issuer: oldIssuer, ...validity })).rejects.toThrow(/breaks validity/);
  });

  it('a root that lives longer than ten years', async () => {
    const { privateKey, spki } = await authorityKey();
    const made = createRoot({ privateKey, spki, commonName: 'a', notBefore: NOW, notAfter: NOW + 4000 * 86_400_000 });
    await expect(made).rejects.toThrow(/breaks validity/);
  });

  it('a root whose key is not the given one', async () => {
    const { privateKey } = await authorityKey();
    const { spki } = await authorityKey();
    const made = createRoot({ privateKey, spki, commonName: 'a', ...authorityValidity('root', NOW) });
    await expect(made).rejects.toThrow(code('authority-profile'));
  });

  it('an intermediate with the name of its root', async () => {
    const { privateKey, spki } = await authorityKey();
    const certificate = await createRoot({ privateKey, spki, commonName: 'twice', ...authorityValidity('root', NOW) });
    const other = await authorityKey();
    const issuer = { certificate, signingKey: privateKey };
    const made = createIntermediate({
      profile: 'svid',
      subjectSpki: other.spki,
      commonName: 'twice',
      issuer,
      ...validity,
    });
    await expect(made).rejects.toThrow(/subject-unique/);
  });

  it('a cross-certificate of a root by itself', async () => {
    const older = { certificate: root.certificate, signingKey: root.privateKey };
    const made = createCrossCertificate({ newer: root.certificate, older, now: NOW });
    await expect(made).rejects.toThrow(/subject-unique/);
  });
});

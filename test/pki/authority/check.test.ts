import { describe, expect, it } from 'vitest';
import { checkAuthority, type AuthorityExpectation } from '../../../pki/src/authority/check.ts';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { encodeTime } from '../../../pki/src/certificate/time.ts';
import { DER_NULL, unsignedInteger } from '../../../pki/src/der/writer.ts';
import { signatureAlgorithmDer } from '../../../pki/src/signature_algorithm.ts';
import { authorityKey, NOW, testIntermediate, testRoot } from '../authority.ts';
import {
  authorityKeyId,
  basicConstraints,
  CA,
  caWithPathLength,
  directoryName,
  dns,
  extension,
  ip,
  keyUsage,
  mail,
  name,
  nameConstraints,
  signTbs,
  subjectKeyId,
  writeTbs,
  type TbsParts,
} from '../tbs.ts';

const root = await testRoot();
const issuer = parseCertificate(root.certificate);
const rsa = await testRoot('rsa-2048');
const { spki, signer } = await authorityKey();
const ski = new Uint8Array(20).fill(9);
const notBefore = NOW - 3_600_000;
const notAfter = NOW + 86_400_000;

const expected: AuthorityExpectation = {
  profile: 'svid',
  spki,
  subjectKeyId: ski,
  notBefore,
  notAfter,
  issuer,
  subject: null,
  reservedNames: [],
};
const constraints = nameConstraints({
  permitted: [mail('svid.invalid')],
  excluded: [dns(''), ip(...new Uint8Array(8)), ip(...new Uint8Array(32))],
});
const good = {
  basic: basicConstraints(caWithPathLength(0)),
  usage: keyUsage(0x60),
  ski: subjectKeyId(ski),
  aki: authorityKeyId(issuer.subjectKeyId ?? ski),
  constraints,
};

type Replace = Partial<Record<keyof typeof good, Uint8Array | null>>;

/** A good svid intermediate by the second writer, with some parts replaced. */
function certificate(parts: Partial<TbsParts> = {}, replace: Replace = {}, add: Uint8Array[] = []): Uint8Array {
  const extensions = Object.values({ ...good, ...replace }).filter((part) => part !== null);
  const tbs = writeTbs({
    issuer: issuer.subject,
    subject: name('svid'),
    notBefore: encodeTime(notBefore),
    notAfter: encodeTime(notAfter),
    spki,
    extensions: [...extensions, ...add],
    ...parts,
  });
  return signTbs(tbs, root.signer, parts.algorithm);
}

const long = NOW + 91 * 86_400_000;
const below = await testIntermediate(root);
const nameless = Uint8Array.of(0x30, 0);
const twoNames = nameConstraints({ permitted: [mail('svid.invalid'), mail('b.c')], excluded: [dns('')] });
const lessConstrained = nameConstraints({ permitted: [mail('svid.invalid')], excluded: [dns('')] });
const another = nameConstraints({
  permitted: [mail('svid.invalid'), directoryName('a')],
  excluded: [dns(''), ip(...new Uint8Array(8)), ip(...new Uint8Array(32))],
});

const broken: [rule: string, what: string, der: Uint8Array, expectation?: Partial<AuthorityExpectation>][] = [
  ['serial-random', 'a serial that was counted', certificate({ serial: unsignedInteger(Uint8Array.of(7)) })],
  ['subject-named', 'no name', certificate({ subject: nameless })],
  ['subject-named', 'another name than it must have', certificate(), { subject: name('other') }],
  ['subject-unique', "the issuer's name", certificate({ subject: issuer.subject })],
  ['issuer-name', 'another issuer', certificate({ issuer: name('other') })],
  [
    'issuer-may-sign',
    'an issuer with pathlen 0',
    certificate({ issuer: parseCertificate(below.certificate).subject }),
    { issuer: parseCertificate(below.certificate) },
  ],
  [
    'issuer-may-sign',
    'no issuer but the profile of an intermediate',
    certificate({ issuer: name('svid') }),
    { issuer: null },
  ],
  ['validity', 'an end that was not decided', certificate({ notAfter: encodeTime(notAfter + 1000) })],
  ['validity', 'a begin that was not decided', certificate({ notBefore: encodeTime(notBefore - 1000) })],
  ['validity', 'a life beyond its profile', certificate({ notAfter: encodeTime(long) }), { notAfter: long }],
  ['validity', 'an end after its issuer', certificate(), { issuer: { ...issuer, notAfter: notAfter - 1000 } }],
  ['key', 'another key', certificate({ spki: signer.spki }), { spki: root.spki }],
  ['signature-algorithm', 'RSA by an EC key', certificate({ algorithm: signatureAlgorithmDer('rsa-sha256') })],
  ['basic-constraints', 'no pathlen', certificate({}, { basic: basicConstraints(CA) })],
  ['basic-constraints', 'a greater pathlen', certificate({}, { basic: basicConstraints(caWithPathLength(1)) })],
  ['basic-constraints', 'no CA', certificate({}, { basic: basicConstraints(new Uint8Array()) })],
  ['key-usage', 'no cRLSign', certificate({}, { usage: keyUsage(0x20) })],
  ['key-usage', 'digitalSignature', certificate({}, { usage: keyUsage(0x61) })],
  ['key-identifiers', 'another SKI', certificate({}, { ski: subjectKeyId(new Uint8Array(20)) })],
  ['key-identifiers', 'no SKI', certificate({}, { ski: null })],
  ['key-identifiers', 'another AKI', certificate({}, { aki: authorityKeyId(new Uint8Array(20)) })],
  ['key-identifiers', 'no AKI', certificate({}, { aki: null })],
  ['name-constraints', 'none', certificate({}, { constraints: null })],
  ['name-constraints', 'fewer', certificate({}, { constraints: lessConstrained })],
  ['name-constraints', 'others', certificate({}, { constraints: twoNames })],
  ['name-constraints', 'one of another kind', certificate({}, { constraints: another })],
  ['name-constraints', 'those of another profile', certificate(), { profile: 'serving' }],
  ['name-constraints', 'those of another profile', certificate(), { profile: 'issuer' }],
  [
    'extensions-known',
    'an extension that is not in the profile',
    certificate({}, {}, [extension('1.2.3', false, DER_NULL)]),
  ],
  ['extensions-known', 'keyUsage that is not critical', certificate({}, { usage: keyUsage(0x60, false) })],
  ['extensions-known', 'a critical SKI', certificate({}, { ski: subjectKeyId(ski, true) })],
];

describe('a CA certificate that the library made is held against its profile', () => {
  it('and the second writer agrees on what is good', async () => {
    expect((await checkAuthority(certificate(), expected)).spki).toEqual(spki);
  });

  it.each(broken)('%s refuses %s', async (rule, _, der, expectation) => {
    await expect(checkAuthority(der, { ...expected, ...expectation })).rejects.toThrow(
      expect.objectContaining({ code: 'authority-profile', message: expect.stringContaining(`breaks ${rule} `) }),
    );
  });

  it('and its signature is verified', async () => {
    const { tbs } = parseCertificate(certificate());
    await expect(checkAuthority(signTbs(tbs, signer), expected)).rejects.toThrow(/not by its issuer/);
    const changed = certificate();
    changed[changed.length - 1] = (changed[changed.length - 1] ?? 0) ^ 1;
    await expect(checkAuthority(changed, expected)).rejects.toThrow(/not by its issuer/);
  });

  it('and the issuer may be RSA', async () => {
    const above = parseCertificate(rsa.certificate);
    const tbs = writeTbs({
      algorithm: signatureAlgorithmDer('rsa-sha256'),
      issuer: above.subject,
      subject: name('svid'),
      notBefore: encodeTime(notBefore),
      notAfter: encodeTime(notAfter),
      spki,
      extensions: [good.basic, good.usage, good.ski, authorityKeyId(above.subjectKeyId ?? ski), good.constraints],
    });
    const checked = await checkAuthority(signTbs(tbs, rsa.signer), { ...expected, issuer: above });
    expect(checked.signatureAlgorithm).toBe('rsa-sha256');
  });
});

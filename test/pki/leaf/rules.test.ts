import { describe, expect, it } from 'vitest';
import { concat } from '../../../pki/src/bytes.ts';
import { encodeTime } from '../../../pki/src/certificate/time.ts';
import { parseTbs } from '../../../pki/src/certificate/parse.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { contextTag } from '../../../pki/src/der/tags.ts';
import { sequence, tlv, unsignedInteger } from '../../../pki/src/der/writer.ts';
import { checkLeaf, leafRules, lintSubject } from '../../../pki/src/leaf/rules.ts';
import type { LeafFacts } from '../../../pki/src/leaf/prepare.ts';
import { EKU_CLIENT_AUTH, EKU_SERVER_AUTH, KEY_USAGE } from '../../../pki/src/profiles.ts';
import { signatureAlgorithmDer } from '../../../pki/src/signature_algorithm.ts';
import { NOW } from '../authority.ts';
import {
  authorityKeyId,
  basicConstraints,
  CA,
  dns,
  extendedKeyUsage,
  extension,
  ip,
  keyUsage,
  mail,
  name,
  NOT_A_CA,
  otherName,
  san,
  subjectKeyId,
  svidExtensions,
  uri,
  writeTbs,
  type TbsParts,
} from '../tbs.ts';
import { IDENTITY, leafKey, servingFacts, servingIssuer, svidFacts, svidIssuer } from './facts.ts';

const aki = svidIssuer.subjectKeyId;
const serial = Uint8Array.from({ length: 16 }, () => 0x33);
type Replace = NonNullable<Parameters<typeof svidExtensions>[0]['replace']>;

/** The TBSCertificate of a good SVID by the second writer, with some parts replaced. */
function svidTbs(parts: Partial<TbsParts> = {}, replace: Replace = {}, add: Uint8Array[] = []): Uint8Array {
  return writeTbs({
    serial: unsignedInteger(serial),
    issuer: svidIssuer.certificate.subject,
    spki: leafKey.spki,
    extensions: svidExtensions({ authorityKeyId: aki, replace, add }),
    ...parts,
  });
}

function servingTbs(names: Uint8Array[]): Uint8Array {
  return svidTbs(
    { issuer: servingIssuer.certificate.subject },
    {
      eku: extendedKeyUsage([EKU_SERVER_AUTH]),
      aki: authorityKeyId(servingIssuer.subjectKeyId),
      san: san(names),
    },
  );
}

const lint = (tbs: Uint8Array, facts: LeafFacts, now = NOW): void => checkLeaf(lintSubject(parseTbs(tbs), facts, now));
const facts = (replace: Partial<LeafFacts> = {}): LeafFacts => svidFacts({ serial, ...replace });

const broken: [rule: string, what: string, tbs: Uint8Array, facts: LeafFacts, now?: number][] = [
  ['serial-random', 'another serial', svidTbs({ serial: unsignedInteger(Uint8Array.of(1)) }), facts()],
  [
    'serial-random',
    'a short serial',
    svidTbs({ serial: unsignedInteger(Uint8Array.of(1)) }),
    facts({ serial: Uint8Array.of(1) }),
  ],
  ['signature-algorithm', 'SHA-384 by P-256', svidTbs({ algorithm: signatureAlgorithmDer('ecdsa-sha384') }), facts()],
  ['issuer-name', 'another issuer', svidTbs({ issuer: name('other') }), facts()],
  ['validity-attested', 'a longer life', svidTbs({ notAfter: encodeTime(NOW + 86_401_000) }), facts()],
  ['validity-attested', 'an earlier begin', svidTbs({ notBefore: encodeTime(NOW - 301_000) }), facts()],
  ['validity-now', 'a begin in the future', svidTbs(), facts(), NOW - 301_000],
  ['validity-now', 'an end that has come', svidTbs(), facts(), NOW + 86_400_000],
  [
    'validity-within-issuer',
    'an end after the issuer',
    svidTbs({ notAfter: encodeTime(svidIssuer.notAfter + 1000) }),
    facts({ notAfter: svidIssuer.notAfter + 1000 }),
  ],
  [
    'validity-within-issuer',
    'a begin before the issuer',
    svidTbs({ notBefore: encodeTime(svidIssuer.notBefore - 1000) }),
    facts({ notBefore: svidIssuer.notBefore - 1000 }),
  ],
  [
    'renewal-loop',
    'a midpoint close to now',
    svidTbs({ notAfter: encodeTime(NOW + 600_000) }),
    facts({ notAfter: NOW + 600_000 }),
  ],
  ['subject-empty', 'a common name', svidTbs({ subject: name('a') }), facts()],
  ['san-critical', 'a SAN that is not critical', svidTbs({}, { san: san([uri(IDENTITY)], false) }), facts()],
  ['san-critical', 'no SAN', svidTbs({}, { san: null }), facts()],
  ['san-one-uri', 'two URIs', svidTbs({}, { san: san([uri(IDENTITY), uri(IDENTITY)]) }), facts()],
  [
    'san-one-uri',
    'a URI in a serving certificate',
    servingTbs([dns('a.svc'), uri(IDENTITY)]),
    servingFacts({ serial, dnsNames: ['a.svc'] }),
  ],
  [
    'san-identity',
    'a percent sign',
    svidTbs({}, { san: san([uri(`${IDENTITY}%61`)]) }),
    facts({ uri: `${IDENTITY}%61` }),
  ],
  [
    'san-identity',
    'another shape',
    svidTbs({}, { san: san([uri('spiffe://cluster.local/a')]) }),
    facts({ uri: 'spiffe://cluster.local/a' }),
  ],
  ['san-attested', 'another identity', svidTbs({}, { san: san([uri(`${IDENTITY}b`)]) }), facts()],
  ['san-dns-names', 'a DNS name in an SVID', svidTbs({}, { san: san([uri(IDENTITY), dns('a.b')]) }), facts()],
  [
    'san-dns-names',
    'a name too many',
    servingTbs([dns('a.svc'), dns('b.svc')]),
    servingFacts({ serial, dnsNames: ['a.svc'] }),
  ],
  [
    'san-dns-names',
    'a name too few',
    servingTbs([dns('a.svc')]),
    servingFacts({ serial, dnsNames: ['a.svc', 'b.svc'] }),
  ],
  ['san-dns-names', 'a wildcard', servingTbs([dns('*.svc')]), servingFacts({ serial, dnsNames: ['*.svc'] })],
  ['san-dns-names', 'capitals', servingTbs([dns('A.svc')]), servingFacts({ serial, dnsNames: ['A.svc'] })],
  ['san-dns-names', 'a trailing dot', servingTbs([dns('a.svc.')]), servingFacts({ serial, dnsNames: ['a.svc.'] })],
  ['san-dns-names', 'only an IP', servingTbs([ip(127, 0, 0, 1)]), servingFacts({ serial, dnsNames: [] })],
  [
    'san-reserved-name',
    "the answer key's name in a serving certificate",
    servingTbs([dns('answers.ambient-ca.invalid')]),
    servingFacts({ serial, dnsNames: ['answers.ambient-ca.invalid'] }),
  ],
  [
    'san-reserved-name',
    'another name for an answer key',
    servingTbs([dns('a.svc')]),
    servingFacts({ serial, profile: 'answer', dnsNames: ['a.svc'] }),
  ],
  ['san-nothing-else', 'an e-mail address', svidTbs({}, { san: san([uri(IDENTITY), mail('a@b')]) }), facts()],
  ['san-nothing-else', 'an IP address', svidTbs({}, { san: san([uri(IDENTITY), ip(10, 0, 0, 1)]) }), facts()],
  ['san-nothing-else', 'an otherName', svidTbs({}, { san: san([uri(IDENTITY), otherName()]) }), facts()],
  [
    'name-constraints',
    'a DNS name below an svid intermediate',
    svidTbs({}, { eku: extendedKeyUsage([EKU_SERVER_AUTH]), san: san([dns('a.svc')]) }),
    servingFacts({ serial, dnsNames: ['a.svc'], issuer: svidIssuer }),
  ],
  ['basic-constraints', 'CA:TRUE', svidTbs({}, { basic: basicConstraints(CA) }), facts()],
  [
    'basic-constraints',
    'basicConstraints that are not critical',
    svidTbs({}, { basic: basicConstraints(NOT_A_CA, false) }),
    facts(),
  ],
  ['basic-constraints', 'no basicConstraints', svidTbs({}, { basic: null }), facts()],
  [
    'key-usage',
    'keyCertSign',
    svidTbs({}, { keyUsage: keyUsage(KEY_USAGE.digitalSignature | KEY_USAGE.keyCertSign) }),
    facts(),
  ],
  [
    'key-usage',
    'keyEncipherment of an EC key',
    svidTbs({}, { keyUsage: keyUsage(KEY_USAGE.digitalSignature | KEY_USAGE.keyEncipherment) }),
    facts(),
  ],
  [
    'key-usage',
    'a keyUsage that is not critical',
    svidTbs({}, { keyUsage: keyUsage(KEY_USAGE.digitalSignature, false) }),
    facts(),
  ],
  ['key-usage', 'no keyUsage', svidTbs({}, { keyUsage: null }), facts()],
  ['extended-key-usage', 'serverAuth alone', svidTbs({}, { eku: extendedKeyUsage([EKU_SERVER_AUTH]) }), facts()],
  [
    'extended-key-usage',
    'any purpose',
    svidTbs({}, { eku: extendedKeyUsage([EKU_SERVER_AUTH, EKU_CLIENT_AUTH, '2.5.29.37.0']) }),
    facts(),
  ],
  [
    'extended-key-usage',
    'a critical one',
    svidTbs({}, { eku: extendedKeyUsage([EKU_SERVER_AUTH, EKU_CLIENT_AUTH], true) }),
    facts(),
  ],
  ['authority-key-id', 'another key identifier', svidTbs({}, { aki: authorityKeyId(new Uint8Array(20)) }), facts()],
  ['authority-key-id', 'a critical one', svidTbs({}, { aki: authorityKeyId(aki, true) }), facts()],
  ['authority-key-id', 'none', svidTbs({}, { aki: null }), facts()],
  [
    'authority-key-id',
    'the issuer also by serial',
    svidTbs(
      {},
      { aki: extension('2.5.29.35', false, sequence(tlv(contextTag(0), aki), tlv(contextTag(2), Uint8Array.of(1)))) },
    ),
    facts(),
  ],
  ['extensions-known', 'a subjectKeyIdentifier', svidTbs({}, {}, [subjectKeyId(aki)]), facts()],
  [
    'extensions-known',
    'an unknown extension',
    svidTbs({}, {}, [extension('1.2.3', false, Uint8Array.of(5, 0))]),
    facts(),
  ],
  ['key-attested', 'another key', svidTbs({ spki: generateNodeKey('ec-p256').spki }), facts()],
  ['key-not-issuer', "the issuer's key", svidTbs({ spki: svidIssuer.spki }), facts({ spki: svidIssuer.spki })],
];

describe('leaf rules', () => {
  it('the second writer agrees with the product on what is good', () => {
    expect(() => lint(svidTbs(), facts())).not.toThrow();
    expect(() => lint(servingTbs([dns('a.svc')]), servingFacts({ serial, dnsNames: ['a.svc'] }))).not.toThrow();
  });

  it.each(broken)('%s refuses %s', (rule, _, tbs, attested, now) => {
    expect(() => lint(tbs, attested, now)).toThrow(
      expect.objectContaining({ code: 'lint-refused', message: expect.stringMatching(new RegExp(`^${rule}: `)) }),
    );
  });

  it('each rule has a case that it alone refuses first, an id of its own and a source', () => {
    const ids = leafRules.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !broken.some(([rule]) => rule === id))).toEqual([]);
    expect(leafRules.every(({ source }) => source.length > 0)).toBe(true);
  });

  it('the reader refuses the same extension twice before any rule runs', () => {
    const twice = svidTbs({}, {}, [keyUsage(KEY_USAGE.digitalSignature)]);
    expect(() => lint(twice, facts())).toThrow(expect.objectContaining({ code: 'certificate-extension' }));
  });

  it('the reader refuses unknown bytes after the extensions', () => {
    const { tbs } = parseTbs(svidTbs());
    const body = tbs.subarray(4);
    expect(() => parseTbs(sequence(concat(body, Uint8Array.of(5, 0))))).toThrow(
      expect.objectContaining({ code: 'der-trailing' }),
    );
  });
});

import { equal } from '../bytes.ts';
import { parseCertificate, type Certificate } from '../certificate/parse.ts';
import { EXTENSION, type Subtrees } from '../certificate/extensions.ts';
import { webCrypto } from '../crypto/web.ts';
import { PkiError } from '../errors.ts';
import { authorityProfile, type AuthorityProfileName, type NameConstraintProfile } from '../profiles.ts';
import { fitsKey } from '../signature_algorithm.ts';
import { constraintsOf } from './extensions.ts';

/** What a CA certificate ought to say. `issuer` is null for a root, which issues itself. */
export interface AuthorityExpectation {
  readonly profile: AuthorityProfileName;
  readonly spki: Uint8Array;
  readonly subjectKeyId: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly issuer: Certificate | null;
  /** The subject as DER where it must be that of another certificate, else null. */
  readonly subject: Uint8Array | null;
  readonly reservedNames: readonly string[];
}

interface AuthorityRule {
  readonly id: string;
  readonly source: string;
  readonly holds: (certificate: Certificate, expected: AuthorityExpectation) => boolean;
}

const allowed: readonly string[] = [
  EXTENSION.basicConstraints,
  EXTENSION.keyUsage,
  EXTENSION.subjectKeyId,
  EXTENSION.authorityKeyId,
  EXTENSION.nameConstraints,
];
const criticalOnes: readonly string[] = [EXTENSION.basicConstraints, EXTENSION.keyUsage, EXTENSION.nameConstraints];

const rules: readonly AuthorityRule[] = [
  {
    id: 'serial-random',
    source: 'RFC 5280 §4.1.2.2',
    holds: ({ serial }) => serial.length === 16 && serial[0] !== 0,
  },
  {
    id: 'subject-named',
    source: 'RFC 5280 §4.1.2.6: a CA has a name, and a cross-certificate that of the newer root, byte for byte',
    holds: ({ subject }, expected) =>
      subject.length > 2 && (expected.subject === null || equal(subject, expected.subject)),
  },
  {
    id: 'subject-unique',
    source: 'webpki looks CRLs up by name: two keys of one name are an outage (observed)',
    holds: ({ subject }, { issuer }) => issuer === null || !equal(subject, issuer.subject),
  },
  {
    id: 'issuer-name',
    source: 'RFC 5280 §6.1.3 (a)(4)',
    holds: ({ issuer, subject }, expected) => equal(issuer, expected.issuer?.subject ?? subject),
  },
  {
    id: 'issuer-may-sign',
    source: 'RFC 5280 §4.2.1.9: an issuer is a CA whose pathlen allows another CA',
    holds: (_, { profile, issuer }) => {
      if (issuer === null) return profile === 'root';
      const { basicConstraints, nameConstraints } = issuer;
      const room = basicConstraints?.pathLength ?? Infinity;
      // Below a URI or directoryName constraint newer ztunnels refuse every SVID.
      const harmless = nameConstraints === null || !(nameConstraints.uri || nameConstraints.directoryName);
      return basicConstraints?.ca === true && room > (authorityProfile(profile).pathLength ?? Infinity) && harmless;
    },
  },
  {
    id: 'validity',
    source: "RFC 5280 §4.1.2.5; no longer than the profile's life or the issuer's end",
    holds: ({ notBefore, notAfter }, expected) => {
      const { lifeSeconds, backdateSeconds } = authorityProfile(expected.profile);
      const longest = lifeSeconds === null ? Infinity : (lifeSeconds + backdateSeconds) * 1000;
      return (
        notBefore === expected.notBefore &&
        notAfter === expected.notAfter &&
        notBefore < notAfter &&
        notAfter - notBefore <= longest &&
        notAfter <= (expected.issuer?.notAfter ?? Infinity)
      );
    },
  },
  {
    id: 'key',
    source: 'the certified key is the one that was given',
    holds: ({ spki }, expected) => equal(spki, expected.spki),
  },
  {
    id: 'signature-algorithm',
    source: 'RFC 5280 §4.1.2.3',
    holds: (certificate, { issuer }) =>
      fitsKey(certificate.signatureAlgorithm, issuer?.publicKey ?? certificate.publicKey),
  },
  {
    id: 'basic-constraints',
    source: 'RFC 5280 §4.2.1.9',
    holds: ({ basicConstraints }, { profile }) =>
      basicConstraints?.ca === true && basicConstraints.pathLength === authorityProfile(profile).pathLength,
  },
  {
    id: 'key-usage',
    source: 'RFC 5280 §4.2.1.3: keyCertSign, and cRLSign so that it can revoke',
    holds: ({ keyUsage }, { profile }) => keyUsage === authorityProfile(profile).keyUsage,
  },
  {
    id: 'key-identifiers',
    source: 'RFC 5280 §4.2.1.1–2',
    holds: ({ subjectKeyId, authorityKeyId }, expected) => {
      const above = expected.issuer?.subjectKeyId ?? null;
      const refers = above === null ? authorityKeyId === null : authorityKeyId !== null && equal(authorityKeyId, above);
      return subjectKeyId !== null && equal(subjectKeyId, expected.subjectKeyId) && refers;
    },
  },
  {
    id: 'name-constraints',
    source: 'RFC 5280 §4.2.1.10, and which of them all TLS stacks enforce (observed)',
    holds: ({ nameConstraints }, { profile, reservedNames }) => {
      const expected = constraintsOf(profile, reservedNames);
      if (expected === null || nameConstraints === null) return expected === nameConstraints;
      const { permitted, excluded, uri, directoryName, other } = nameConstraints;
      return !uri && !directoryName && !other && sameSubtrees(expected, permitted, excluded);
    },
  },
  {
    id: 'extensions-known',
    source: 'no extension outside the profile, criticality as RFC 5280 §4.2 has it',
    holds: ({ extensions }) =>
      extensions.every(({ oid, critical }) => allowed.includes(oid) && critical === criticalOnes.includes(oid)),
  },
];

function sameSubtrees(expected: NameConstraintProfile, permitted: Subtrees, excluded: Subtrees): boolean {
  return (
    excluded.dns.join(' ') === expected.excludedDns.join(' ') &&
    excluded.dns.length === expected.excludedDns.length &&
    excluded.ip.length === expected.excludedIp.length &&
    excluded.ip.every((range, i) => equal(range, expected.excludedIp[i] ?? new Uint8Array())) &&
    excluded.mail.length === 0 &&
    permitted.mail.join(' ') === expected.permittedMail.join(' ') &&
    permitted.dns.length === 0 &&
    permitted.ip.length === 0
  );
}

/**
 * Reads a CA certificate that was just made, with our own strict reader, and holds it against its profile; then verifies
 * its signature by the issuer's key. A library made it, so nothing is taken for granted.
 *
 * @throws PkiError `authority-profile` with the rule and its clause, or the reader's error
 */
export async function checkAuthority(der: Uint8Array, expected: AuthorityExpectation): Promise<Certificate> {
  const certificate = parseCertificate(der);
  const broken = rules.find(({ holds }) => !holds(certificate, expected));
  if (broken !== undefined) {
    throw new PkiError('authority-profile', `${expected.profile} certificate breaks ${broken.id} (${broken.source})`);
  }
  const { signatureAlgorithm, tbs, signature } = certificate;
  const key = expected.issuer?.spki ?? certificate.spki;
  if (!(await webCrypto().verify(signatureAlgorithm, key, tbs, signature))) {
    throw new PkiError(
      'authority-profile',
      `the signature of the ${expected.profile} certificate is not by its issuer`,
    );
  }
  return certificate;
}

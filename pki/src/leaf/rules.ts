import { equal } from '../bytes.ts';
import { EXTENSION, readAuthorityKeyId } from '../certificate/extensions.ts';
import type { Tbs } from '../certificate/parse.ts';
import { nameConstraintViolation } from '../chain/name_constraints.ts';
import { PkiError } from '../errors.ts';
import { wouldLoop } from '../lifetimes.ts';
import { ANSWER_KEY_NAME, leafProfile, type LeafProfile } from '../profiles.ts';
import { parseIdentity } from '../spiffe_id.ts';
import { SERIAL_OCTETS, type LeafFacts } from './build.ts';

/** What a rule looks at: the TBSCertificate as read back from its bytes, and what it ought to say. */
export interface LintSubject {
  readonly tbs: Tbs;
  readonly facts: LeafFacts;
  readonly profile: LeafProfile;
  /** ms since 1970. */
  readonly now: number;
}

/** One clause that a leaf must keep. `check` says what is wrong, or null. */
export interface LintRule {
  readonly id: string;
  /** Where the clause stands. */
  readonly source: string;
  readonly check: (subject: LintSubject) => string | null;
}

const LEAF_EXTENSIONS: readonly string[] = [
  EXTENSION.keyUsage,
  EXTENSION.extendedKeyUsage,
  EXTENSION.basicConstraints,
  EXTENSION.authorityKeyId,
  EXTENSION.subjectAltName,
];

/** RFC 1123 labels, lower case: no wildcard, no trailing dot, nothing a resolver would have to fold. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

const fault = (broken: boolean, detail: string): string | null => (broken ? detail : null);

/** Whether an extension is there with this criticality. */
function marked({ extensions }: Tbs, oid: string, critical: boolean): boolean {
  return extensions.some((extension) => extension.oid === oid && extension.critical === critical);
}

/**
 * Every clause of a leaf. What only the reader can see (version 3, DER, whole seconds in UTCTime through 2049, positive
 * serials of at most 20 octets, no extension twice, no unique identifiers, the key allow-list) has been refused before the
 * first rule runs, by the strict reader, and is named in its file.
 */
export const leafRules: readonly LintRule[] = [
  {
    id: 'serial-random',
    source: 'RFC 5280 §4.1.2.2; 128 bits against collisions',
    check: ({ tbs, facts }) =>
      fault(
        tbs.serial.length !== SERIAL_OCTETS || tbs.serial[0] === 0 || !equal(tbs.serial, facts.serial),
        `the serial is not the drawn one of ${SERIAL_OCTETS} octets`,
      ),
  },
  {
    id: 'signature-algorithm',
    source: 'RFC 5280 §4.1.2.3; FIPS builds of ztunnel take matched curve and hash only',
    check: ({ tbs, facts }) =>
      fault(
        tbs.signatureAlgorithm !== facts.issuer.signatureAlgorithm,
        'the signature algorithm is not that of the issuer',
      ),
  },
  {
    id: 'issuer-name',
    source: 'RFC 5280 §6.1.3 (a)(4)',
    check: ({ tbs, facts }) =>
      fault(!equal(tbs.issuer, facts.issuer.certificate.subject), 'the issuer is not the name of the intermediate'),
  },
  {
    id: 'validity-attested',
    source: 'RFC 5280 §4.1.2.5: whole seconds',
    check: ({ tbs, facts }) =>
      fault(
        tbs.notBefore !== facts.notBefore || tbs.notAfter !== facts.notAfter,
        'the validity is not the decided one',
      ),
  },
  {
    id: 'validity-now',
    source: 'a certificate that is not valid when made was observed as an outage',
    check: ({ tbs, now }) =>
      fault(now < tbs.notBefore || now >= tbs.notAfter, 'the validity does not contain the present'),
  },
  {
    id: 'validity-within-issuer',
    source: 'RFC 5280 §6.1.3 (a)(2): no path is valid when its issuer is not',
    check: ({ tbs, facts: { issuer } }) =>
      fault(tbs.notBefore < issuer.notBefore || tbs.notAfter > issuer.notAfter, "the validity leaves the issuer's"),
  },
  {
    id: 'renewal-loop',
    source: 'ztunnel renews at the midpoint and has no backoff when that has passed (observed)',
    check: ({ tbs, now }) => fault(wouldLoop(tbs, now), 'the midpoint of the validity is too close to the present'),
  },
  {
    id: 'subject-empty',
    source: 'X.509-SVID §2; the identity is in the subjectAltName alone',
    check: ({ tbs }) => fault(tbs.subject.length !== 2, 'the subject is not empty'),
  },
  {
    id: 'san-critical',
    source: 'RFC 5280 §4.2.1.6: critical when the subject is empty',
    check: ({ tbs }) => fault(!marked(tbs, EXTENSION.subjectAltName, true), 'there is no critical subjectAltName'),
  },
  {
    id: 'san-one-uri',
    source: 'X.509-SVID §2: exactly one URI SAN',
    check: ({ tbs, profile }) =>
      fault(
        tbs.uriSans.length !== (profile.names === 'spiffe-id' ? 1 : 0),
        `${tbs.uriSans.length} URIs in the subjectAltName of a ${profile.names} certificate`,
      ),
  },
  {
    id: 'san-identity',
    source: 'SPIFFE-ID §2; Istio pkg/spiffe ParseIdentity; Kubernetes names',
    check: ({ tbs, profile }) => (profile.names === 'spiffe-id' ? identityFault(tbs.uriSans[0] ?? '') : null),
  },
  {
    id: 'san-attested',
    source: 'a certificate is built from attested facts',
    check: ({ tbs, facts, profile }) =>
      fault(profile.names === 'spiffe-id' && tbs.uriSans[0] !== facts.uri, 'the URI is not the attested identity'),
  },
  {
    id: 'san-dns-names',
    source: 'exact names of the enrolment, none in an SVID',
    check: ({ tbs, facts, profile }) => {
      const expected = profile.names === 'dns' ? (facts.dnsNames ?? []) : [];
      const same = tbs.dnsSans.length === expected.length && tbs.dnsSans.every((name, i) => name === expected[i]);
      if (!same || (profile.names === 'dns' && expected.length === 0)) return 'the DNS names are not the decided ones';
      const illegal = tbs.dnsSans.find((name) => !HOST_NAME.test(name));
      return illegal === undefined ? null : `${illegal} is no plain host name in lower case`;
    },
  },
  {
    id: 'san-reserved-name',
    source: 'the name of answer keys is theirs alone',
    check: ({ tbs: { dnsSans }, profile: { onlyNames } }) =>
      onlyNames === null
        ? fault(dnsSans.includes(ANSWER_KEY_NAME), 'the name of the answer key is reserved')
        : fault(dnsSans.join(' ') !== onlyNames.join(' '), 'the names are not those of the profile'),
  },
  {
    id: 'san-nothing-else',
    source: 'X.509-SVID §2; no IP, e-mail or other name is ever attested',
    check: ({ tbs }) =>
      fault(
        tbs.ipSans.length + tbs.mailSans.length > 0 || tbs.otherSans,
        'the subjectAltName holds a name of another kind',
      ),
  },
  {
    id: 'name-constraints',
    source: 'RFC 5280 §4.2.1.10',
    check: ({ tbs, facts: { issuer } }) => {
      const constraints = issuer.certificate.nameConstraints;
      if (constraints === null) return null;
      if (constraints.uri || constraints.directoryName)
        return 'the issuer is constrained in a way that ztunnel refuses';
      return nameConstraintViolation(constraints, tbs);
    },
  },
  {
    id: 'basic-constraints',
    source: 'RFC 5280 §4.2.1.9; X.509-SVID §4.1',
    check: ({ tbs }) =>
      fault(
        tbs.basicConstraints?.ca !== false || !marked(tbs, EXTENSION.basicConstraints, true),
        'there are no critical basicConstraints of CA:FALSE',
      ),
  },
  {
    id: 'key-usage',
    source: 'RFC 5280 §4.2.1.3; X.509-SVID §4.3',
    check: ({ tbs, profile }) =>
      fault(
        tbs.keyUsage !== profile.keyUsage[tbs.publicKey.kind] || !marked(tbs, EXTENSION.keyUsage, true),
        'the critical keyUsage is not exactly that of the profile and the kind of key',
      ),
  },
  {
    id: 'extended-key-usage',
    source: 'RFC 5280 §4.2.1.12; X.509-SVID §4.4',
    check: ({ tbs, profile }) =>
      fault(
        tbs.extendedKeyUsage?.join(' ') !== profile.extendedKeyUsage.join(' ') ||
          !marked(tbs, EXTENSION.extendedKeyUsage, false),
        'the extendedKeyUsage is not exactly that of the profile',
      ),
  },
  {
    id: 'authority-key-id',
    source: 'RFC 5280 §4.2.1.1; Go refuses a critical one',
    check: ({ tbs, facts }) => {
      const extension = tbs.extensions.find(({ oid }) => oid === EXTENSION.authorityKeyId);
      if (extension === undefined || extension.critical)
        return 'there is no authorityKeyIdentifier that is not critical';
      const { keyId, named } = readAuthorityKeyId(extension.value);
      return fault(
        named || keyId === null || !equal(keyId, facts.issuer.subjectKeyId),
        "the authorityKeyIdentifier is not exactly the issuer's key identifier",
      );
    },
  },
  {
    id: 'extensions-known',
    source: 'what is not in the profile is not signed',
    check: ({ tbs: { extensions } }) => {
      const foreign = extensions.find(({ oid }) => !LEAF_EXTENSIONS.includes(oid));
      return foreign === undefined ? null : `extension ${foreign.oid} is not in the profile`;
    },
  },
  {
    id: 'key-attested',
    source: 'of the request only the public key is taken, byte for byte',
    check: ({ tbs, facts }) => fault(!equal(tbs.spki, facts.spki), 'the key is not the one that was proven'),
  },
  {
    id: 'key-not-issuer',
    source: "a leaf with a CA's key would let its holder make certificates",
    check: ({ tbs, facts }) => fault(equal(tbs.spki, facts.issuer.spki), "the key is the issuer's own"),
  },
];

function identityFault(uri: string): string | null {
  try {
    parseIdentity(uri);
    return null;
  } catch (error) {
    if (error instanceof PkiError) return error.message;
    throw error;
  }
}

/** @throws PkiError `lint-refused`, naming the first rule that is broken and its clause */
export function checkLeaf(subject: LintSubject): void {
  for (const { id, source, check } of leafRules) {
    const detail = check(subject);
    if (detail !== null) throw new PkiError('lint-refused', `${id}: ${detail} (${source})`);
  }
}

/** The rows of the profile table that the rules compare with. */
export function lintSubject(tbs: Tbs, facts: LeafFacts, now: number): LintSubject {
  return { tbs, facts, profile: leafProfile(facts.profile), now };
}

import { EXTENSION } from '../certificate/extensions.ts';
import type { Certificate } from '../certificate/parse.ts';
import type { PkiErrorCode } from '../errors.ts';
import { EKU_CLIENT_AUTH, EKU_SERVER_AUTH, KEY_USAGE } from '../profiles.ts';
import { nameConstraintViolation } from './name_constraints.ts';

export type ChainPurpose = 'client' | 'server' | 'both' | 'any';

export interface ChainFault {
  readonly code: PkiErrorCode;
  /** For the log, never for a client. */
  readonly reason: string;
}

interface Context {
  readonly now: number;
  readonly purpose: ChainPurpose;
}

const SAN = EXTENSION.subjectAltName;

const purposes: Readonly<Record<ChainPurpose, readonly string[]>> = {
  client: [EKU_CLIENT_AUTH],
  server: [EKU_SERVER_AUTH],
  both: [EKU_SERVER_AUTH, EKU_CLIENT_AUTH],
  any: [],
};

/** What is wrong with a certificate at the bottom of a chain, or null. */
export function leafFault(leaf: Certificate, context: Context): ChainFault | null {
  if (leaf.basicConstraints?.ca === true) {
    return { code: 'chain-leaf-is-ca', reason: 'a CA certificate stands where a leaf belongs' };
  }
  // X.509-SVID §5.2. OpenSSL's strict mode refuses the first, and each of the two below (RFC 5280 §4.2.1.3, .6 and .10); no leaf of
  // ours has one.
  if (leaf.keyUsage !== null && (leaf.keyUsage & (KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign)) !== 0) {
    return { code: 'chain-key-usage', reason: 'the leaf has a keyUsage with keyCertSign or cRLSign' };
  }
  if (leaf.nameConstraints !== null) {
    return { code: 'chain-name-constraint', reason: 'the leaf carries name constraints, which belong in a CA' };
  }
  if (leaf.subject.length === 2 && !leaf.extensions.some(({ oid, critical }) => oid === SAN && critical)) {
    return { code: 'chain-leaf-name', reason: 'the leaf has neither a subject nor a critical subjectAltName' };
  }
  // BoringSSL will not load a certificate for TLS whose key may not sign.
  if (leaf.keyUsage !== null && (leaf.keyUsage & KEY_USAGE.digitalSignature) === 0) {
    return { code: 'chain-key-usage', reason: 'the leaf has a keyUsage without digitalSignature' };
  }
  return commonFault(leaf, context, 'leaf');
}

/** What is wrong with a CA certificate that stands above `path` (leaf first), or null. Applies to roots, too. */
export function authorityFault(issuer: Certificate, path: readonly Certificate[], context: Context): ChainFault | null {
  if (issuer.basicConstraints?.ca !== true) {
    return { code: 'chain-not-a-ca', reason: 'an issuer is no CA by its basicConstraints' };
  }
  if (issuer.subject.length === 2) return { code: 'chain-not-a-ca', reason: 'an issuer has no name' };
  // webpki accepts a CA that lacks it; Envoy, Go and OpenSSL refuse the chain.
  if (issuer.keyUsage === null || (issuer.keyUsage & KEY_USAGE.keyCertSign) === 0) {
    return { code: 'chain-key-usage', reason: 'an issuer has no keyUsage with keyCertSign' };
  }
  // The leaf does not count; self-issued CAs do, as in webpki, which is stricter than RFC 5280 §6.1.4 (l).
  const below = path.length - 1;
  const { pathLength } = issuer.basicConstraints;
  if (pathLength !== null && below > pathLength) {
    return { code: 'chain-path-length', reason: `${below} CAs below an issuer with a pathlen of ${pathLength}` };
  }
  return commonFault(issuer, context, 'issuer') ?? constraintFault(issuer, path);
}

function commonFault(certificate: Certificate, { now, purpose }: Context, what: string): ChainFault | null {
  const [unknown] = certificate.unknownCritical;
  if (unknown !== undefined) {
    return { code: 'chain-unknown-critical', reason: `the ${what} has a critical extension ${unknown} we do not know` };
  }
  if (now < certificate.notBefore) return { code: 'chain-not-yet-valid', reason: `the ${what} is not valid yet` };
  if (now > certificate.notAfter) return { code: 'chain-expired', reason: `the ${what} has expired` };
  const allowed = certificate.extendedKeyUsage;
  const missing = allowed === null ? undefined : purposes[purpose].find((oid) => !allowed.includes(oid));
  if (missing !== undefined) {
    return { code: 'chain-extended-key-usage', reason: `the ${what} has an extendedKeyUsage without ${missing}` };
  }
  return null;
}

function constraintFault(issuer: Certificate, path: readonly Certificate[]): ChainFault | null {
  const constraints = issuer.nameConstraints;
  if (constraints === null) return null;
  const kind = constraints.uri
    ? 'URI'
    : constraints.directoryName
      ? 'directoryName'
      : constraints.other
        ? 'another'
        : null;
  // Newer webpki refuses every SVID below a URI constraint, matching or not, and all of them a directoryName one.
  if (kind !== null) {
    return {
      code: 'chain-name-constraint-kind',
      reason: `an issuer carries a name constraint of ${kind} kind, which ztunnel refuses`,
    };
  }
  for (const certificate of path) {
    const violation = nameConstraintViolation(constraints, certificate);
    if (violation !== null) return { code: 'chain-name-constraint', reason: violation };
  }
  return null;
}

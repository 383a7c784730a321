/**
 * Every kind of certificate this CA makes, as one table. The writers take their bytes from it and the lints their
 * expectations, so a change of profile is a change of this file and nothing else. The reasons behind the figures are
 * observations of what ztunnel, Envoy, Go and OpenSSL accept; a change here is irreversible for what was issued before.
 */

/** Bits of the KeyUsage BIT STRING (RFC 5280 §4.2.1.3), as a mask: bit n of the string is `1 << n`. */
export const KEY_USAGE = {
  digitalSignature: 1 << 0,
  contentCommitment: 1 << 1,
  keyEncipherment: 1 << 2,
  dataEncipherment: 1 << 3,
  keyAgreement: 1 << 4,
  keyCertSign: 1 << 5,
  cRLSign: 1 << 6,
  encipherOnly: 1 << 7,
  decipherOnly: 1 << 8,
} as const;

export const EKU_SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
export const EKU_CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/**
 * Name of every key that signs answers of the CA. RFC 2606 keeps `.invalid` out of the DNS for ever, `svid`
 * intermediates cannot make DNS names at all, and `issuer` intermediates are constrained not to make this one.
 */
export const ANSWER_KEY_NAME = 'answers.ambient-ca.invalid';

/** The only mailbox host below an `svid` intermediate: a permitted subtree is how all TLS stacks refuse e-mail. */
const NO_MAIL_DOMAIN = 'svid.invalid';

export type KeyKind = 'ec' | 'rsa';

/** Subtrees this CA writes. Never URI or directoryName: newer webpki refuses every SVID below such a constraint. */
export interface NameConstraintProfile {
  readonly excludedDns: readonly string[];
  /** Address and mask, 8 or 32 octets (RFC 5280 §4.2.1.10). */
  readonly excludedIp: readonly Uint8Array[];
  readonly permittedMail: readonly string[];
}

export interface AuthorityProfile {
  /** pathLenConstraint, or null for none. */
  readonly pathLength: number | null;
  readonly keyUsage: number;
  /** Seconds; null where the life is that of another certificate. */
  readonly lifeSeconds: number | null;
  readonly backdateSeconds: number;
  /** Fixed constraints, `reserved-names` for those the caller must give, or null for none. */
  readonly nameConstraints: NameConstraintProfile | 'reserved-names' | null;
}

export interface LeafProfile {
  /** Which names the subjectAltName holds: one SPIFFE ID, or exact DNS names. */
  readonly names: 'spiffe-id' | 'dns';
  /** The only DNS names allowed, or null for any the caller was enrolled with. */
  readonly onlyNames: readonly string[] | null;
  readonly extendedKeyUsage: readonly string[];
  readonly keyUsage: Readonly<Record<KeyKind, number>>;
}

const DAY = 86_400;
const CA_KEY_USAGE = KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign;
const END_ENTITY_KEY_USAGE = {
  ec: KEY_USAGE.digitalSignature,
  rsa: KEY_USAGE.digitalSignature | KEY_USAGE.keyEncipherment,
} as const;

const authorityProfiles = {
  // No pathlen: a root with a pathlen of 1 could never be rotated by cross-certificate.
  root: {
    pathLength: null,
    keyUsage: CA_KEY_USAGE,
    lifeSeconds: 3652 * DAY,
    backdateSeconds: 3600,
    nameConstraints: null,
  },
  // Its own end is that of the older root, below which nothing can be valid for longer.
  cross: {
    pathLength: 1,
    keyUsage: CA_KEY_USAGE,
    lifeSeconds: null,
    backdateSeconds: 3600,
    nameConstraints: null,
  },
  // Excluded DNS "" and every IP, permitted e-mail below a domain nobody has: the set that all stacks enforce alike.
  svid: {
    pathLength: 0,
    keyUsage: CA_KEY_USAGE,
    lifeSeconds: 90 * DAY,
    backdateSeconds: 3600,
    nameConstraints: {
      excludedDns: [''],
      excludedIp: [new Uint8Array(8), new Uint8Array(32)],
      permittedMail: [NO_MAIL_DOMAIN],
    },
  },
  serving: {
    pathLength: 0,
    keyUsage: CA_KEY_USAGE,
    lifeSeconds: 90 * DAY,
    backdateSeconds: 3600,
    nameConstraints: null,
  },
  issuer: {
    pathLength: 0,
    keyUsage: CA_KEY_USAGE,
    lifeSeconds: 90 * DAY,
    backdateSeconds: 3600,
    nameConstraints: 'reserved-names',
  },
} as const satisfies Record<string, AuthorityProfile>;

const leafProfiles = {
  svid: {
    names: 'spiffe-id',
    onlyNames: null,
    extendedKeyUsage: [EKU_SERVER_AUTH, EKU_CLIENT_AUTH],
    keyUsage: END_ENTITY_KEY_USAGE,
  },
  serving: {
    names: 'dns',
    onlyNames: null,
    extendedKeyUsage: [EKU_SERVER_AUTH],
    keyUsage: END_ENTITY_KEY_USAGE,
  },
  // Signs answers of the CA: authentication of a server, by a name no TLS client ever dials.
  answer: {
    names: 'dns',
    onlyNames: [ANSWER_KEY_NAME],
    extendedKeyUsage: [EKU_SERVER_AUTH],
    keyUsage: END_ENTITY_KEY_USAGE,
  },
} as const satisfies Record<string, LeafProfile>;

export type AuthorityProfileName = keyof typeof authorityProfiles;
export type IntermediateProfileName = 'svid' | 'serving' | 'issuer';
export type LeafProfileName = keyof typeof leafProfiles;

/** The table, typed as its rows: for code that treats all profiles alike. */
export function leafProfile(name: LeafProfileName): LeafProfile {
  return leafProfiles[name];
}

export function authorityProfile(name: AuthorityProfileName): AuthorityProfile {
  return authorityProfiles[name];
}

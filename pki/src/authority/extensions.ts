import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  Extension,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
} from '@peculiar/x509';
import { toHex, utf8 } from '../bytes.ts';
import { EXTENSION } from '../certificate/extensions.ts';
import { GENERAL_NAME } from '../certificate/general_names.ts';
import { contextTagConstructed } from '../der/tags.ts';
import { sequence, tlv } from '../der/writer.ts';
import {
  ANSWER_KEY_NAME,
  authorityProfile,
  type AuthorityProfileName,
  type NameConstraintProfile,
} from '../profiles.ts';

export interface AuthorityExtensions {
  readonly profile: AuthorityProfileName;
  readonly subjectKeyId: Uint8Array;
  /** Absent in a root: it would refer to itself. */
  readonly authorityKeyId: Uint8Array | null;
  /** For the `issuer` profile: names of the control plane, beside that of the answer key. */
  readonly reservedNames?: readonly string[];
}

export function authorityExtensions(options: AuthorityExtensions): Extension[] {
  const { pathLength, keyUsage } = authorityProfile(options.profile);
  const constraints = constraintsOf(options.profile, options.reservedNames);
  return [
    new BasicConstraintsExtension(true, pathLength ?? undefined, true),
    new KeyUsagesExtension(keyUsage, true),
    new SubjectKeyIdentifierExtension(toHex(options.subjectKeyId)),
    ...(options.authorityKeyId === null ? [] : [new AuthorityKeyIdentifierExtension(toHex(options.authorityKeyId))]),
    ...(constraints === null ? [] : [nameConstraints(constraints)]),
  ];
}

/** The constraints that a profile comes to, once the reserved names are known. */
export function constraintsOf(
  profile: AuthorityProfileName,
  reservedNames: readonly string[] = [],
): NameConstraintProfile | null {
  const { nameConstraints } = authorityProfile(profile);
  if (nameConstraints !== 'reserved-names') return nameConstraints;
  return { excludedDns: [...new Set([ANSWER_KEY_NAME, ...reservedNames])], excludedIp: [], permittedMail: [] };
}

/** RFC 5280 §4.2.1.10: critical, permitted before excluded, minimum 0 left away. */
function nameConstraints({ excludedDns, excludedIp, permittedMail }: NameConstraintProfile): Extension {
  const permitted = permittedMail.map((host) => sequence(tlv(GENERAL_NAME.mail, utf8(host))));
  const excluded = [
    ...excludedDns.map((name) => sequence(tlv(GENERAL_NAME.dns, utf8(name)))),
    ...excludedIp.map((range) => sequence(tlv(GENERAL_NAME.ip, range))),
  ];
  const value = sequence(
    ...(permitted.length === 0 ? [] : [tlv(contextTagConstructed(0), ...permitted)]),
    ...(excluded.length === 0 ? [] : [tlv(contextTagConstructed(1), ...excluded)]),
  );
  return new Extension(EXTENSION.nameConstraints, true, Uint8Array.from(value));
}

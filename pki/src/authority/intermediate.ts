import { parseCertificate } from '../certificate/parse.ts';
import type { IntermediateProfileName } from '../profiles.ts';
import { certify } from './certify.ts';
import { keyIdentifier } from './key_id.ts';
import { authorityName } from './name.ts';

export interface IntermediateOptions {
  readonly profile: IntermediateProfileName;
  readonly subjectSpki: Uint8Array;
  /** Unique per key; see `authorityCommonName`. */
  readonly commonName: string;
  readonly issuer: { readonly certificate: Uint8Array; readonly signingKey: CryptoKey };
  /** ms since 1970, whole seconds; see `authorityValidity`. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** `issuer` profile: DNS names of the control plane, which nothing below it may carry. */
  readonly reservedNames?: readonly string[];
}

/**
 * An intermediate, DER: pathlen 0, and the name constraints of its profile.
 *
 * @throws PkiError `profile-facts`, `authority-profile`
 */
export async function createIntermediate(options: IntermediateOptions): Promise<Uint8Array> {
  const { profile, subjectSpki, commonName, issuer, notBefore, notAfter, reservedNames = [] } = options;
  return certify({
    profile,
    subject: authorityName(commonName),
    subjectSpki,
    subjectKeyId: await keyIdentifier(subjectSpki),
    notBefore,
    notAfter,
    issuer: { certificate: parseCertificate(issuer.certificate), signingKey: issuer.signingKey },
    reservedNames,
  });
}

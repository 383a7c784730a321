import { parseCertificate } from '../certificate/parse.ts';
import { PkiError } from '../errors.ts';
import { authorityValidity } from '../lifetimes.ts';
import { certify } from './certify.ts';

export interface CrossCertificateOptions {
  /** The root that is to be trusted by those who know only the older one. */
  readonly newer: Uint8Array;
  readonly older: { readonly certificate: Uint8Array; readonly signingKey: CryptoKey };
  /** ms since 1970. */
  readonly now: number;
}

/**
 * The newer root's name and key, certified by the older root until the earlier of their ends, DER. Its subject and key
 * identifier are those of the newer root, so that one intermediate has a path to either.
 *
 * @throws PkiError `profile-facts`, `authority-profile`
 */
export async function createCrossCertificate({ newer, older, now }: CrossCertificateOptions): Promise<Uint8Array> {
  const subject = parseCertificate(newer);
  const issuer = parseCertificate(older.certificate);
  if (subject.subjectKeyId === null) {
    throw new PkiError('profile-facts', 'the newer root has no subjectKeyIdentifier to keep');
  }
  return certify({
    profile: 'cross',
    subject: subject.subject,
    subjectSpki: subject.spki,
    subjectKeyId: subject.subjectKeyId,
    ...authorityValidity('cross', now, Math.min(issuer.notAfter, subject.notAfter)),
    issuer: { certificate: issuer, signingKey: older.signingKey },
  });
}

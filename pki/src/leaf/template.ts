import { concat } from '../bytes.ts';
import { EXTENSION } from '../certificate/extensions.ts';
import { parseCertificate, type Certificate } from '../certificate/parse.ts';
import type { SignatureAlgorithm } from '../crypto/port.ts';
import { encodeOid } from '../der/oid.ts';
import { contextTag } from '../der/tags.ts';
import { DER_TRUE, namedBits, octetString, sequence, tlv } from '../der/writer.ts';
import { PkiError } from '../errors.ts';
import type { Validity } from '../lifetimes.ts';
import { KEY_USAGE, leafProfile, type KeyKind, type LeafProfileName } from '../profiles.ts';
import type { PublicKeyInfo } from '../public_key.ts';

/**
 * An intermediate as the issuer of leaves: read once, kept by the caller as long as the intermediate serves. Holds the
 * bytes that all leaves under it share, so that making one is a matter of copying.
 */
export class IssuerTemplate implements Validity {
  readonly certificate: Certificate;
  /** The one algorithm its key signs leaves with. */
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly #subjectKeyId: Uint8Array;
  readonly #fixed = new Map<string, Uint8Array>();

  constructor(certificate: Certificate) {
    this.certificate = certificate;
    this.signatureAlgorithm = matchedAlgorithm(certificate.publicKey);
    this.#subjectKeyId = issuerKeyId(certificate);
  }

  get notBefore(): number {
    return this.certificate.notBefore;
  }

  get notAfter(): number {
    return this.certificate.notAfter;
  }

  get spki(): Uint8Array {
    return this.certificate.spki;
  }

  /** subjectKeyIdentifier, which becomes the leaf's authorityKeyIdentifier. */
  get subjectKeyId(): Uint8Array {
    return this.#subjectKeyId;
  }

  /** keyUsage, extendedKeyUsage, basicConstraints and authorityKeyIdentifier of a profile: all but the names. */
  fixedExtensions(profile: LeafProfileName, kind: KeyKind): Uint8Array {
    const key = `${profile}/${kind}`;
    const known = this.#fixed.get(key);
    if (known !== undefined) return known;
    const { keyUsage, extendedKeyUsage } = leafProfile(profile);
    const fixed = concat(
      extension(EXTENSION.keyUsage, true, namedBits(keyUsage[kind])),
      extension(EXTENSION.extendedKeyUsage, false, sequence(...extendedKeyUsage.map(encodeOid))),
      // CA:FALSE is the default and so an empty sequence (RFC 5280 §4.2.1.9).
      extension(EXTENSION.basicConstraints, true, sequence()),
      // Not critical: Go refuses a certificate in which it is.
      extension(EXTENSION.authorityKeyId, false, sequence(tlv(contextTag(0), this.#subjectKeyId))),
    );
    this.#fixed.set(key, fixed);
    return fixed;
  }
}

/**
 * Reads an intermediate and refuses one that no leaf could stand under.
 *
 * @throws PkiError `profile-facts`, or as `parseCertificate`
 */
export function issuerTemplate(intermediateDer: Uint8Array): IssuerTemplate {
  return new IssuerTemplate(parseCertificate(intermediateDer));
}

function issuerKeyId({ basicConstraints, keyUsage, subjectKeyId, subject }: Certificate): Uint8Array {
  if (basicConstraints?.ca !== true) throw new PkiError('profile-facts', 'the issuer is no CA by its basicConstraints');
  // webpki would accept a leaf below it; Envoy, Go and OpenSSL would not.
  if (keyUsage === null || (keyUsage & KEY_USAGE.keyCertSign) === 0) {
    throw new PkiError('profile-facts', 'the issuer has no keyUsage with keyCertSign');
  }
  if (subjectKeyId === null) throw new PkiError('profile-facts', 'the issuer has no subjectKeyIdentifier to refer to');
  if (subject.length === 2) throw new PkiError('profile-facts', 'the issuer has no name (RFC 5280 §4.1.2.4)');
  return subjectKeyId;
}

/** Curves matched to their hash, which FIPS builds of ztunnel demand. */
export function matchedAlgorithm(key: PublicKeyInfo): SignatureAlgorithm {
  if (key.kind === 'rsa') return 'rsa-sha256';
  return key.curve === 'P-256' ? 'ecdsa-sha256' : 'ecdsa-sha384';
}

function extension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  return sequence(encodeOid(oid), ...(critical ? [DER_TRUE] : []), octetString(value));
}

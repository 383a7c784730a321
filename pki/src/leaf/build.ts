import { encodeTime } from '../certificate/time.ts';
import { EXTENSION } from '../certificate/extensions.ts';
import { GENERAL_NAME } from '../certificate/general_names.ts';
import { encodeOid } from '../der/oid.ts';
import { contextTagConstructed, TAG } from '../der/tags.ts';
import { concat, utf8 } from '../bytes.ts';
import { DER_TRUE, derHeader, octetString, sequence, tlv } from '../der/writer.ts';
import { PkiError } from '../errors.ts';
import type { LeafProfileName } from '../profiles.ts';
import type { PublicKeyInfo } from '../public_key.ts';
import { signatureAlgorithmDer } from '../signature_algorithm.ts';
import type { IssuerTemplate } from './template.ts';

/** Octets of a serial; the top bit is clear and the first octet not zero, so that it is the whole INTEGER. */
export const SERIAL_OCTETS = 16;

/** The attested facts a leaf is made of. */
export interface LeafFacts {
  readonly profile: LeafProfileName;
  /** `svid`: exactly this SPIFFE ID. */
  readonly uri?: string;
  /** `serving` and `answer`: exactly these names. */
  readonly dnsNames?: readonly string[];
  readonly publicKey: PublicKeyInfo;
  readonly spki: Uint8Array;
  /** ms since 1970, whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** As of `randomSerial`. */
  readonly serial: Uint8Array;
  readonly issuer: IssuerTemplate;
}

/** 128 bits of which the top one is clear and the first octet is not zero: positive, and always 16 octets of DER. */
export function randomSerial(random: (length: number) => Uint8Array): Uint8Array {
  const serial = Uint8Array.from(random(SERIAL_OCTETS));
  serial[0] = 1 + ((serial[0] ?? 0) % 127);
  return serial;
}

const VERSION_3 = tlv(contextTagConstructed(0), Uint8Array.of(TAG.integer, 1, 2));
const EMPTY_NAME = sequence();
const SAN_HEAD = concat(encodeOid(EXTENSION.subjectAltName), DER_TRUE);

/**
 * Writes the TBSCertificate of a leaf (RFC 5280 §4.1), by copying what the issuer's leaves have in common. Says nothing
 * on whether it may be signed: that is for the lints, which read these bytes and not the facts.
 *
 * @throws PkiError `profile-facts` when the facts cannot be written at all
 */
export function buildTbs(facts: LeafFacts): Uint8Array {
  const { issuer, serial } = facts;
  if (serial.length !== SERIAL_OCTETS || (serial[0] ?? 0) === 0 || (serial[0] ?? 0) >= 0x80) {
    throw new PkiError('profile-facts', `the serial is not ${SERIAL_OCTETS} octets that make a positive INTEGER`);
  }
  const fixed = issuer.fixedExtensions(facts.profile, facts.publicKey.kind);
  const names = subjectAltName(facts);
  const extensions = fixed.length + names.length;
  const listHeader = derHeader(TAG.sequence, extensions);
  return tlv(
    TAG.sequence,
    VERSION_3,
    derHeader(TAG.integer, SERIAL_OCTETS),
    serial,
    signatureAlgorithmDer(issuer.signatureAlgorithm),
    issuer.certificate.subject,
    sequence(encodeTime(facts.notBefore), encodeTime(facts.notAfter)),
    EMPTY_NAME,
    facts.spki,
    derHeader(contextTagConstructed(3), listHeader.length + extensions),
    listHeader,
    fixed,
    names,
  );
}

/** RFC 5280 §4.2.1.6: critical, because the subject is empty. */
function subjectAltName({ uri, dnsNames = [] }: LeafFacts): Uint8Array {
  const names = dnsNames.map((name) => tlv(GENERAL_NAME.dns, utf8(name)));
  if (uri !== undefined) names.unshift(tlv(GENERAL_NAME.uri, utf8(uri)));
  return sequence(SAN_HEAD, octetString(sequence(...names)));
}

import type { SignatureAlgorithm } from '../crypto/port.ts';
import { decodeOid } from '../der/oid.ts';
import { DerReader } from '../der/reader.ts';
import { contextTagConstructed, TAG } from '../der/tags.ts';
import { PkiError } from '../errors.ts';
import { parsePublicKey, type PublicKeyInfo } from '../public_key.ts';
import { signatureAlgorithmOf } from '../signature_algorithm.ts';
import {
  EXTENSION,
  readAuthorityKeyId,
  readBasicConstraints,
  readExtendedKeyUsage,
  readKeyUsage,
  readNameConstraints,
  readSubjectAltNames,
  readSubjectKeyId,
  type BasicConstraints,
  type NameConstraints,
  type SubjectAltNames,
} from './extensions.ts';
import { readName } from './name.ts';
import { decodeTime } from './time.ts';

/** A certificate of this CA has at most a dozen; a list without end is an attack on the reader. */
const MAX_EXTENSIONS = 32;
/** RFC 5280 §4.1.2.2. */
const MAX_SERIAL_OCTETS = 20;

interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** Content of extnValue. */
  readonly value: Uint8Array;
}

/** What a TBSCertificate says. Byte arrays are views into the input. */
export interface Tbs extends SubjectAltNames {
  /** The TBSCertificate, DER. */
  readonly tbs: Uint8Array;
  /** Content octets of the serial's INTEGER. */
  readonly serial: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  /** DER Names. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** ms since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spki: Uint8Array;
  readonly publicKey: PublicKeyInfo;
  readonly extensions: readonly Extension[];
  readonly basicConstraints: BasicConstraints | null;
  /** Mask as in `KEY_USAGE`. */
  readonly keyUsage: number | null;
  readonly extendedKeyUsage: readonly string[] | null;
  readonly subjectKeyId: Uint8Array | null;
  readonly authorityKeyId: Uint8Array | null;
  readonly nameConstraints: NameConstraints | null;
  /** OIDs of critical extensions outside those that every consumer of a mesh accepts as critical. */
  readonly unknownCritical: readonly string[];
}

export interface Certificate extends Tbs {
  readonly der: Uint8Array;
  /** Content of the signature's BIT STRING: for ECDSA the DER of r and s. */
  readonly signature: Uint8Array;
}

/** Go refuses critical key identifiers and webpki critical policies, so these five are all that may be critical. */
const understoodCritical: ReadonlySet<string> = new Set([
  EXTENSION.basicConstraints,
  EXTENSION.keyUsage,
  EXTENSION.extendedKeyUsage,
  EXTENSION.subjectAltName,
  EXTENSION.nameConstraints,
]);

/**
 * Reads an X.509 certificate strictly (RFC 5280 §4.1): version 3, DER throughout, keys and signature algorithms that this
 * CA knows, no unique identifiers, no extension twice. Checks no signature and no time.
 *
 * @throws PkiError `der-…`, `key-…` or `certificate-…`
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const outer = DerReader.of(der);
  const reader = outer.enter(TAG.sequence);
  outer.end('certificate');
  const tbs = parseTbs(reader.element(TAG.sequence));
  const algorithm = readAlgorithm(reader);
  const signature = reader.octetAlignedBits();
  reader.end('certificate');
  if (algorithm !== tbs.signatureAlgorithm) {
    throw new PkiError('certificate-algorithm', 'the two signature algorithms of the certificate differ');
  }
  return { ...tbs, der, signature };
}

/** Reads a TBSCertificate: what is about to be signed is read by the same eyes as what was. */
export function parseTbs(tbs: Uint8Array): Tbs {
  const outer = DerReader.of(tbs);
  const reader = outer.enter(TAG.sequence);
  outer.end('TBSCertificate');
  readVersion(reader);
  const serial = readSerial(reader);
  const signatureAlgorithm = readAlgorithm(reader);
  const issuer = readName(reader);
  const validity = reader.enter(TAG.sequence);
  const notBefore = readTime(validity);
  const notAfter = readTime(validity);
  validity.end('validity');
  const subject = readName(reader);
  const spki = reader.element(TAG.sequence);
  const publicKey = parsePublicKey(spki);
  const extensions = readExtensions(reader);
  reader.end('TBSCertificate');
  return {
    tbs,
    serial,
    signatureAlgorithm,
    issuer,
    subject,
    notBefore,
    notAfter,
    spki,
    publicKey,
    extensions,
    ...interpret(extensions),
  };
}

/** RFC 5280 §4.1.2.1: v3, the only version webpki reads. */
function readVersion(reader: DerReader): void {
  const tag = contextTagConstructed(0);
  if (reader.peek() !== tag) throw new PkiError('certificate-version', 'version 1, expected 3');
  const version = reader.enter(tag);
  const value = version.smallInteger();
  version.end('version');
  if (value !== 2) throw new PkiError('certificate-version', `version ${value + 1}, expected 3`);
}

function readSerial(reader: DerReader): Uint8Array {
  const serial = reader.integer();
  if ((serial[0] ?? 0) >= 0x80) throw new PkiError('certificate-serial', 'the serial is negative');
  if (serial.length > MAX_SERIAL_OCTETS) {
    throw new PkiError(
      'certificate-serial',
      `a serial of ${serial.length} octets, expected at most ${MAX_SERIAL_OCTETS}`,
    );
  }
  return serial;
}

function readAlgorithm(reader: DerReader): SignatureAlgorithm {
  const algorithm = signatureAlgorithmOf(reader.element(TAG.sequence));
  if (algorithm === null) {
    throw new PkiError(
      'certificate-algorithm',
      'signature algorithm is none of ECDSA and RSA PKCS#1 v1.5 with SHA-256 or SHA-384',
    );
  }
  return algorithm;
}

function readTime(reader: DerReader): number {
  const tag = reader.peek() === TAG.generalizedTime ? TAG.generalizedTime : TAG.utcTime;
  return decodeTime(tag, reader.content(tag));
}

/** RFC 5280 §4.2: at least one if the field is there, an absent `critical` is FALSE, none twice. */
function readExtensions(reader: DerReader): readonly Extension[] {
  if (reader.done) return [];
  // Unique identifiers (tags 1 and 2) MUST NOT be made (§4.1.2.8) and are refused here by their tag.
  const wrapper = reader.enter(contextTagConstructed(3));
  const list = wrapper.enter(TAG.sequence);
  wrapper.end('extensions');
  const extensions: Extension[] = [];
  do {
    const extension = list.enter(TAG.sequence);
    const oid = extensionOid(extension.content(TAG.oid));
    const critical = extension.peek() === TAG.boolean;
    if (critical && !extension.boolean()) {
      throw new PkiError('certificate-extension', `extension ${oid} writes its default out`);
    }
    const value = extension.content(TAG.octetString);
    extension.end('extension');
    if (extensions.some((other) => other.oid === oid)) {
      throw new PkiError('certificate-extension', `extension ${oid} occurs twice`);
    }
    if (extensions.length >= MAX_EXTENSIONS) {
      throw new PkiError('certificate-extension', `more than ${MAX_EXTENSIONS} extensions`);
    }
    extensions.push({ oid, critical, value });
  } while (!list.done);
  return extensions;
}

/** Dotted forms of 2.5.29.x, made once: every extension we write lies there. */
const standardOids = Array.from({ length: 128 }, (_, arc) => `2.5.29.${arc}`);

function extensionOid(content: Uint8Array): string {
  const short = content.length === 3 && content[0] === 0x55 && content[1] === 0x1d;
  return (short ? standardOids[content[2] ?? 0x80] : undefined) ?? decodeOid(content);
}

type Interpreted = Omit<
  Tbs,
  | 'tbs'
  | 'serial'
  | 'signatureAlgorithm'
  | 'issuer'
  | 'subject'
  | 'notBefore'
  | 'notAfter'
  | 'spki'
  | 'publicKey'
  | 'extensions'
>;

const noNames: SubjectAltNames = { uriSans: [], dnsSans: [], ipSans: [], mailSans: [], otherSans: false };

function interpret(extensions: readonly Extension[]): Interpreted {
  const read = <T>(oid: string, reader: (value: Uint8Array) => T): T | null => {
    for (const extension of extensions) if (extension.oid === oid) return reader(extension.value);
    return null;
  };
  return {
    ...(read(EXTENSION.subjectAltName, readSubjectAltNames) ?? noNames),
    basicConstraints: read(EXTENSION.basicConstraints, readBasicConstraints),
    keyUsage: read(EXTENSION.keyUsage, readKeyUsage),
    extendedKeyUsage: read(EXTENSION.extendedKeyUsage, readExtendedKeyUsage),
    subjectKeyId: read(EXTENSION.subjectKeyId, readSubjectKeyId),
    authorityKeyId: read(EXTENSION.authorityKeyId, readAuthorityKeyId)?.keyId ?? null,
    nameConstraints: read(EXTENSION.nameConstraints, readNameConstraints),
    unknownCritical: extensions
      .filter(({ critical, oid }) => critical && !understoodCritical.has(oid))
      .map(({ oid }) => oid),
  };
}

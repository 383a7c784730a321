import { concat, fromHex, utf8 } from '../../pki/src/bytes.ts';
import { EXTENSION } from '../../pki/src/certificate/extensions.ts';
import { GENERAL_NAME } from '../../pki/src/certificate/general_names.ts';
import { encodeTime } from '../../pki/src/certificate/time.ts';
import type { SyncSigner } from '../../pki/src/crypto/port.ts';
import { encodeOid } from '../../pki/src/der/oid.ts';
import { contextTag, contextTagConstructed } from '../../pki/src/der/tags.ts';
import {
  DER_TRUE,
  namedBits,
  octetAlignedBits,
  octetString,
  sequence,
  setOfOne,
  tlv,
  unsignedInteger,
} from '../../pki/src/der/writer.ts';
import { EKU_CLIENT_AUTH, EKU_SERVER_AUTH, KEY_USAGE } from '../../pki/src/profiles.ts';
import { signatureAlgorithmDer } from '../../pki/src/signature_algorithm.ts';
import { NOW } from './authority.ts';

/** A second writer of certificates, free to write what the product never would. All parts are whole DER elements. */
export interface TbsParts {
  readonly version?: Uint8Array | null;
  readonly serial?: Uint8Array;
  readonly algorithm?: Uint8Array;
  readonly issuer?: Uint8Array;
  readonly notBefore?: Uint8Array;
  readonly notAfter?: Uint8Array;
  readonly subject?: Uint8Array;
  readonly spki: Uint8Array;
  readonly uniqueId?: Uint8Array;
  /** None leaves the field away. */
  readonly extensions: readonly Uint8Array[] | null;
}

const SERIAL = fromHex('1122334455667788112233445566778a');

export function writeTbs(parts: TbsParts): Uint8Array {
  const version = parts.version === undefined ? tlv(contextTagConstructed(0), Uint8Array.of(2, 1, 2)) : parts.version;
  return sequence(
    version ?? new Uint8Array(),
    parts.serial ?? unsignedInteger(SERIAL),
    parts.algorithm ?? signatureAlgorithmDer('ecdsa-sha256'),
    parts.issuer ?? name('issuer'),
    sequence(parts.notBefore ?? encodeTime(NOW - 300_000), parts.notAfter ?? encodeTime(NOW + 86_400_000)),
    parts.subject ?? sequence(),
    parts.spki,
    parts.uniqueId ?? new Uint8Array(),
    parts.extensions === null ? new Uint8Array() : tlv(contextTagConstructed(3), sequence(...parts.extensions)),
  );
}

/** Signs whatever it is given. */
export function signTbs(tbs: Uint8Array, signer: SyncSigner, algorithm?: Uint8Array): Uint8Array {
  const signature = octetAlignedBits(signer.sign(tbs));
  return sequence(tbs, algorithm ?? signatureAlgorithmDer(signer.algorithm), signature);
}

export function name(commonName: string): Uint8Array {
  return sequence(setOfOne(sequence(encodeOid('2.5.4.3'), tlv(0x0c, utf8(commonName)))));
}

export function extension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  return sequence(encodeOid(oid), critical ? DER_TRUE : new Uint8Array(), octetString(value));
}

export const uri = (text: string): Uint8Array => tlv(GENERAL_NAME.uri, utf8(text));
export const dns = (text: string): Uint8Array => tlv(GENERAL_NAME.dns, utf8(text));
export const mail = (text: string): Uint8Array => tlv(GENERAL_NAME.mail, utf8(text));
export const ip = (...octets: number[]): Uint8Array => tlv(GENERAL_NAME.ip, Uint8Array.from(octets));
export const directoryName = (text: string): Uint8Array => tlv(GENERAL_NAME.directoryName, name(text));
export const otherName = (): Uint8Array =>
  tlv(GENERAL_NAME.otherName, encodeOid('1.3.6.1.4.1.311.20.2.3'), tlv(contextTagConstructed(0), tlv(0x0c, utf8('x'))));

export const san = (names: readonly Uint8Array[], critical = true): Uint8Array =>
  extension(EXTENSION.subjectAltName, critical, sequence(...names));
export const keyUsage = (mask: number, critical = true): Uint8Array =>
  extension(EXTENSION.keyUsage, critical, namedBits(mask));
export const extendedKeyUsage = (oids: readonly string[], critical = false): Uint8Array =>
  extension(EXTENSION.extendedKeyUsage, critical, sequence(...oids.map(encodeOid)));
export const basicConstraints = (content: Uint8Array, critical = true): Uint8Array =>
  extension(EXTENSION.basicConstraints, critical, sequence(content));
export const subjectKeyId = (id: Uint8Array, critical = false): Uint8Array =>
  extension(EXTENSION.subjectKeyId, critical, octetString(id));
export const authorityKeyId = (id: Uint8Array, critical = false): Uint8Array =>
  extension(EXTENSION.authorityKeyId, critical, sequence(tlv(contextTag(0), id)));

const subtrees = (n: number, names: readonly Uint8Array[]): Uint8Array =>
  names.length === 0 ? new Uint8Array() : tlv(contextTagConstructed(n), ...names.map((each) => sequence(each)));

export const nameConstraints = (
  { permitted = [], excluded = [] }: { permitted?: readonly Uint8Array[]; excluded?: readonly Uint8Array[] },
  critical = true,
): Uint8Array =>
  extension(EXTENSION.nameConstraints, critical, concat(sequence(subtrees(0, permitted), subtrees(1, excluded))));

export const CA = DER_TRUE;
export const caWithPathLength = (length: number): Uint8Array => concat(DER_TRUE, Uint8Array.of(2, 1, length));
export const NOT_A_CA = new Uint8Array();

/** The extensions of an SVID, each replaceable. */
export function svidExtensions(options: {
  readonly authorityKeyId: Uint8Array;
  readonly replace?: Readonly<Partial<Record<'keyUsage' | 'eku' | 'basic' | 'aki' | 'san', Uint8Array | null>>>;
  readonly add?: readonly Uint8Array[];
}): Uint8Array[] {
  const parts: Record<string, Uint8Array | null> = {
    keyUsage: keyUsage(KEY_USAGE.digitalSignature),
    eku: extendedKeyUsage([EKU_SERVER_AUTH, EKU_CLIENT_AUTH]),
    basic: basicConstraints(NOT_A_CA),
    aki: authorityKeyId(options.authorityKeyId),
    san: san([uri('spiffe://cluster.local/ns/default/sa/a')]),
    ...options.replace,
  };
  return [...Object.values(parts).filter((part) => part !== null), ...(options.add ?? [])];
}

import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { signatureAlgorithmDer } from '../../../pki/src/signature_algorithm.ts';
import { TAG, contextTag, contextTagConstructed } from '../../../pki/src/der/tags.ts';
import { encodeOid } from '../../../pki/src/der/oid.ts';
import {
  ia5String,
  octetAlignedBits,
  octetString,
  sequence,
  setOfOne,
  tlv,
  unsignedInteger,
  DER_TRUE,
} from '../../../pki/src/der/writer.ts';

export const key = generateNodeKey('ec-p256');
export const identity = 'spiffe://cluster.local/ns/bookinfo/sa/productpage';

export const OID = {
  extensionRequest: encodeOid('1.2.840.113549.1.9.14'),
  challengePassword: encodeOid('1.2.840.113549.1.9.7'),
  subjectAltName: encodeOid('2.5.29.17'),
  basicConstraints: encodeOid('2.5.29.19'),
  keyUsage: encodeOid('2.5.29.15'),
  extendedKeyUsage: encodeOid('2.5.29.37'),
  commonName: encodeOid('2.5.4.3'),
  organization: encodeOid('2.5.4.10'),
};

export const uri = (text: string): Uint8Array => ia5String(text, contextTag(6));
export const extension = (oid: Uint8Array, value: Uint8Array, critical = false): Uint8Array =>
  sequence(oid, ...(critical ? [DER_TRUE] : []), octetString(value));
export const san = (...names: Uint8Array[]): Uint8Array => extension(OID.subjectAltName, sequence(...names), true);
export const extensionRequest = (...extensions: Uint8Array[]): Uint8Array =>
  sequence(OID.extensionRequest, setOfOne(sequence(...extensions)));

export interface Parts {
  version?: Uint8Array;
  subject?: Uint8Array;
  spki?: Uint8Array;
  attributes?: Uint8Array[];
  algorithm?: Uint8Array;
  /** The BIT STRING. */
  signature?: Uint8Array;
  noAttributes?: boolean;
  afterAttributes?: Uint8Array[];
  afterInfo?: Uint8Array[];
}

/** What differs from a good CSR, and the code it is refused with. */
export type Refusal = [claim: string, parts: Parts, code: string];

/** A CSR of parts, signed; each refusal replaces one part of a good one. */
export function csrOf(parts: Parts = {}): Uint8Array {
  const attributes = parts.attributes ?? [extensionRequest(san(uri(identity)))];
  const info = sequence(
    parts.version ?? unsignedInteger(Uint8Array.of(0)),
    parts.subject ?? sequence(),
    parts.spki ?? key.spki,
    ...(parts.noAttributes === true ? [] : [tlv(contextTagConstructed(0), ...attributes)]),
    ...(parts.afterAttributes ?? []),
  );
  return sequence(
    info,
    parts.algorithm ?? signatureAlgorithmDer(key.algorithm),
    parts.signature ?? octetAlignedBits(key.sign(info)),
    ...(parts.afterInfo ?? []),
  );
}

export const rdn = (oid: Uint8Array, text: string): Uint8Array =>
  setOfOne(sequence(oid, ia5String(text, TAG.utf8String)));

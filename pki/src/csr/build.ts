import type { Awaitable, Signer } from '../crypto/port.ts';
import { encodeOid } from '../der/oid.ts';
import { TAG, contextTag, contextTagConstructed } from '../der/tags.ts';
import {
  DER_TRUE,
  ia5String,
  octetAlignedBits,
  octetString,
  sequence,
  setOfOne,
  tlv,
  unsignedInteger,
} from '../der/writer.ts';
import { signatureAlgorithmDer } from '../signature_algorithm.ts';

export interface CsrFacts {
  readonly signer: Signer;
  /** URI SAN, or null for none. */
  readonly identity: string | null;
  /** ztunnel marks the SAN critical since 1.27, as its subject is empty; older ones do not. */
  readonly sanCritical?: boolean;
  /** The `O=""` of pilot-agent instead of an empty subject. */
  readonly emptyOrganization?: boolean;
}

const EXTENSION_REQUEST = encodeOid('1.2.840.113549.1.9.14');
const SUBJECT_ALT_NAME = encodeOid('2.5.29.17');
const ORGANIZATION = encodeOid('2.5.4.10');

/** A CSR as the clients of a mesh make them: a key, at most one URI SAN, nothing else. */
export function buildCsr({
  signer,
  identity,
  sanCritical = true,
  emptyOrganization = false,
}: CsrFacts): Awaitable<Uint8Array> {
  const subject = emptyOrganization ? sequence(setOfOne(sequence(ORGANIZATION, tlv(TAG.printableString)))) : sequence();
  const attributes =
    identity === null
      ? []
      : [
          sequence(
            EXTENSION_REQUEST,
            setOfOne(
              sequence(
                sequence(
                  SUBJECT_ALT_NAME,
                  ...(sanCritical ? [DER_TRUE] : []),
                  octetString(sequence(ia5String(identity, contextTag(6)))),
                ),
              ),
            ),
          ),
        ];
  const info = sequence(
    unsignedInteger(Uint8Array.of(0)),
    subject,
    signer.spki,
    tlv(contextTagConstructed(0), ...attributes),
  );
  const finish = (signature: Uint8Array): Uint8Array =>
    sequence(info, signatureAlgorithmDer(signer.algorithm), octetAlignedBits(signature));
  const signature = signer.sign(info);
  return signature instanceof Promise ? signature.then(finish) : finish(signature);
}

import { createPublicKey } from 'node:crypto';
import { PkiError } from '../../../pki/src/errors.ts';
import { parsePublicKey, type PublicKeyInfo } from '../../../pki/src/public_key.ts';
import { mutateDer } from '../mutate_der.ts';
import { accepts, bytesDiffer, type Target } from '../target.ts';
import { publicKeys } from './samples.ts';

const CURVES = { 'P-256': 'prime256v1', 'P-384': 'secp384r1' } as const;

/**
 * What OpenSSL makes of a key that ours accepted. A point that is not on its curve is left to whoever computes with it
 * (`parsePublicKey`): OpenSSL then refuses, as it must.
 *
 * @returns null for the same
 */
export function compareKey(spki: Uint8Array, ours: PublicKeyInfo): string | null {
  let key;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (error) {
    return ours.kind === 'ec' ? null : `OpenSSL refuses the key: ${(error as Error).message}`;
  }
  if (bytesDiffer(spki, key.export({ format: 'der', type: 'spki' }))) return 'OpenSSL writes the key differently';
  const { namedCurve, modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (ours.kind === 'ec') return namedCurve === CURVES[ours.curve] ? null : `OpenSSL sees the curve ${namedCurve}`;
  return modulusLength === ours.bits && publicExponent === ours.exponent
    ? null
    : `OpenSSL sees ${modulusLength} bits and the exponent ${publicExponent}`;
}

/** The reader of public keys, held to OpenSSL. */
export const keyTarget: Target = {
  name: 'key',
  seeds: publicKeys,
  mutate: mutateDer,
  parse: parsePublicKey,
  isRefusal: (error): error is Error => error instanceof PkiError,
  compare: (input, read) => compareKey(input, read as PublicKeyInfo),
  othersAccept: (input) => accepts(() => createPublicKey({ key: Buffer.from(input), format: 'der', type: 'spki' })),
  compareOneIn: 8,
};

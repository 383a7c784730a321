import { certify } from './certify.ts';
import { keyIdentifier } from './key_id.ts';
import { authorityName } from './name.ts';

export interface RootOptions {
  readonly privateKey: CryptoKey;
  readonly spki: Uint8Array;
  /** Unique per key; see `authorityCommonName`. */
  readonly commonName: string;
  /** ms since 1970, whole seconds; see `authorityValidity`. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * A self-signed root, DER: no pathlen, so that an older root can certify it by cross-certificate one day.
 *
 * @throws PkiError `profile-facts`, `authority-profile`
 */
export async function createRoot({
  privateKey,
  spki,
  commonName,
  notBefore,
  notAfter,
}: RootOptions): Promise<Uint8Array> {
  return certify({
    profile: 'root',
    subject: authorityName(commonName),
    subjectSpki: spki,
    subjectKeyId: await keyIdentifier(spki),
    notBefore,
    notAfter,
    issuer: { certificate: null, signingKey: privateKey },
  });
}

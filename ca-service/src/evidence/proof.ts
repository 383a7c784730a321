import { fromBase64 } from '../../../pki/src/bytes.ts';
import type { CryptoPort } from '../../../pki/src/crypto/port.ts';
import { checkCsrAgainst } from '../../../pki/src/csr/check.ts';
import { type Csr, parseCsr } from '../../../pki/src/csr/parse.ts';
import { verifyPossession } from '../../../pki/src/csr/possession.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import { Refusal } from './refusal.ts';

/**
 * The public key of a CSR (base64 DER): all that is taken from it, once it is strict, does not contradict `identity` (null
 * where no identity is attested) and its holder has proven possession. Throws Refusal.
 */
export async function provenKey(crypto: CryptoPort, text: string, identity: string | null): Promise<Uint8Array> {
  const csr = read(text, identity);
  if (!(await verifyPossession(crypto, csr))) throw new Refusal('possession', 'the CSR is not signed by its own key');
  return csr.spki;
}

function read(text: string, identity: string | null): Csr {
  try {
    const csr = parseCsr(fromBase64(text));
    if (identity !== null) checkCsrAgainst(csr, identity);
    else if (csr.requestedIdentity !== null) throw new PkiError('csr-identity', 'the CSR asks for an identity');
    return csr;
  } catch (cause) {
    if (cause instanceof PkiError) throw new Refusal('csr-invalid', `${cause.code}: ${cause.message}`, { cause });
    throw cause;
  }
}

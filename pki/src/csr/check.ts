import { PkiError } from '../errors.ts';
import type { Csr } from './parse.ts';

/**
 * A CSR may name no identity; the one it names must be the attested one, byte for byte. Two sources of one field that
 * disagree are refused: neither may win in silence.
 *
 * @throws PkiError `csr-identity`
 */
export function checkCsrAgainst(csr: Csr, identity: string): void {
  if (csr.requestedIdentity !== null && csr.requestedIdentity !== identity) {
    throw new PkiError('csr-identity', 'the CSR asks for another identity than the attested one');
  }
}

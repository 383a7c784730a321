import type { Awaitable, CryptoPort } from '../crypto/port.ts';
import type { Csr } from './parse.ts';

/** Whether the CSR is signed by the key it carries (RFC 2986 §3, note 2): its sender holds that key. */
export function verifyPossession(crypto: CryptoPort, csr: Csr): Awaitable<boolean> {
  return crypto.verify(csr.signatureAlgorithm, csr.spki, csr.info, csr.signature);
}

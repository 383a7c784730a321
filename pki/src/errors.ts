/**
 * The one error of pki. `code` is stable and part of the interface; the message is for logs and may name what was found.
 * Codes begin with what refused: bytes, DER, PEM, key, SPIFFE ID, CSR, profile, lint, certificate, chain, reply.
 */
export type PkiErrorCode =
  | 'bytes-encoding'
  | 'der-truncated'
  | 'der-trailing'
  | 'der-length'
  | 'der-tag'
  | 'der-value'
  | 'der-depth'
  | 'der-size'
  | 'pem-size'
  | 'pem-label'
  | 'pem-count'
  | 'pem-format'
  | 'key-type'
  | 'key-size'
  | 'key-encoding'
  | 'key-weak'
  | 'spiffe-scheme'
  | 'spiffe-trust-domain'
  | 'spiffe-path'
  | 'spiffe-size'
  | 'spiffe-identity'
  | 'csr-version'
  | 'csr-subject'
  | 'csr-attribute'
  | 'csr-extension'
  | 'csr-san'
  | 'csr-ca'
  | 'csr-key-usage'
  | 'csr-signature-algorithm'
  | 'csr-identity'
  | 'csr-possession'
  | 'profile-facts'
  | 'lint-refused'
  | 'lint-unlinted'
  | 'certificate-version'
  | 'certificate-time'
  | 'certificate-serial'
  | 'certificate-name'
  | 'certificate-extension'
  | 'certificate-algorithm'
  | 'certificate-mismatch'
  | 'leaf-spent'
  | 'leaf-signer'
  | 'authority-profile'
  | 'chain-unknown-issuer'
  | 'chain-signature'
  | 'chain-budget'
  | 'chain-too-long'
  | 'chain-path-length'
  | 'chain-leaf-is-ca'
  | 'chain-leaf-name'
  | 'chain-not-a-ca'
  | 'chain-key-usage'
  | 'chain-extended-key-usage'
  | 'chain-unknown-critical'
  | 'chain-not-yet-valid'
  | 'chain-expired'
  | 'chain-name-constraint'
  | 'chain-name-constraint-kind'
  | 'reply-shape';

export class PkiError extends Error {
  readonly code: PkiErrorCode;

  constructor(code: PkiErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'PkiError';
    this.code = code;
  }
}

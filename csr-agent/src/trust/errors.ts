/** Why a trust document, or the stored one, does not count. Stable: logs, metrics and tests name them. */
export type TrustErrorCode =
  | 'trust-malformed'
  | 'trust-foreign'
  | 'root-unfit'
  | 'root-not-accepted'
  | 'bundle-version-lower'
  | 'bundle-changed'
  | 'epoch-lower'
  | 'answer-key-untrusted'
  | 'state-unreadable';

export class TrustError extends Error {
  readonly code: TrustErrorCode;

  constructor(code: TrustErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'TrustError';
    this.code = code;
  }
}

/** What is wrong with a message between agent and CA. Stable: logs, metrics and tests name them. */
export type WireErrorCode =
  | 'body-malformed'
  | 'body-too-large'
  | 'digest-malformed'
  | 'digest-mismatch'
  | 'agent-key-malformed'
  | 'signature-malformed'
  | 'signature-mismatch'
  | 'token-unsealable';

/** A message that does not have the one form the protocol gives it. The message text never repeats a token. */
export class WireError extends Error {
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'WireError';
    this.code = code;
  }
}

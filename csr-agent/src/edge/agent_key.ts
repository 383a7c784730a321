import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { formatAgentKey, thumbprintUrn } from '../../../ca-service/src/client/agent_key.ts';
import type { RawSign } from '../../../ca-service/src/client/message_signature.ts';

/** The key that the agent makes at start: its token is bound to it, and it signs each request. It never leaves the process. */
export interface AgentSigningKey {
  /** Value of the header `ambient-agent-key`. */
  readonly header: string;
  /** RFC 7638: the `keyid` of its signatures. */
  readonly thumbprint: string;
  /** RFC 9278: the audience that binds a token to it. */
  readonly audience: string;
  /** Synchronous. */
  readonly sign: RawSign;
}

export function makeAgentKey(): AgentSigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const header = formatAgentKey({ x, y });
  const thumbprint = createHash('sha256').update(header).digest('base64url');
  return {
    header,
    thumbprint,
    audience: thumbprintUrn(thumbprint),
    // IEEE P1363 is r || s, the form of RFC 9421 §3.3.4.
    sign: (base) => sign('sha256', base, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  };
}

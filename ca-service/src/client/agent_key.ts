import { toBase64Url, utf8 } from '../../../pki/src/bytes.ts';
import type { CryptoPort } from '../../../pki/src/crypto/port.ts';
import { WireError } from './wire_error.ts';

/** Request header with the agent's public key. */
export const AGENT_KEY_HEADER = 'ambient-agent-key';

export interface AgentKey {
  kty: 'EC';
  crv: 'P-256';
  /** base64url, 43 characters */
  x: string;
  y: string;
}

const FORM = /^\{"crv":"P-256","kty":"EC","x":"([A-Za-z0-9_-]{43})","y":"([A-Za-z0-9_-]{43})"\}$/;

/** The canonical form of RFC 7638 §3.3, which is the header and what the thumbprint is taken of. */
export function formatAgentKey({ x, y }: { x: string; y: string }): string {
  return `{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`;
}

/** Accepts only the canonical form; whether the point is on the curve is for the import to say. */
export function parseAgentKey(header: string | null): AgentKey {
  const [, x, y] = FORM.exec(header ?? '') ?? [];
  if (x === undefined || y === undefined) {
    throw new WireError('agent-key-malformed', `${AGENT_KEY_HEADER} is not a P-256 key in the form of RFC 7638`);
  }
  return { kty: 'EC', crv: 'P-256', x, y };
}

/** JWK thumbprint (RFC 7638), base64url of SHA-256: the `keyid` of signatures. */
export async function thumbprint(crypto: Pick<CryptoPort, 'sha256'>, key: { x: string; y: string }): Promise<string> {
  return toBase64Url(await crypto.sha256(utf8(formatAgentKey(key))));
}

/** The audience (RFC 9278) that binds a token to a key. */
export function thumbprintUrn(thumbprint: string): string {
  return `urn:ietf:params:oauth:jwk-thumbprint:sha-256:${thumbprint}`;
}

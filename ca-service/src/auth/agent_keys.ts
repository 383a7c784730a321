import type { CryptoPort } from '../../../pki/src/crypto/port.ts';
import { type AgentKey, formatAgentKey, parseAgentKey, thumbprint } from '../client/agent_key.ts';
import type { RawVerify } from '../client/message_signature.ts';
import { CaError } from '../errors.ts';
import { BoundedMap } from '../lookup/bounded_map.ts';

export interface AgentVerifier {
  thumbprint: string;
  verify: RawVerify;
}

const ECDSA_P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const MAX_CACHED = 1_024;

/** Public keys of agents, imported once. Whether a key counts is for the token that names its thumbprint. */
export class AgentKeys {
  readonly #crypto: Pick<CryptoPort, 'sha256'>;
  readonly #imported = new BoundedMap<AgentVerifier>(MAX_CACHED);

  constructor(crypto: Pick<CryptoPort, 'sha256'>) {
    this.#crypto = crypto;
  }

  /** Throws WireError for another form of the header, and CaError `agent-signature` for what is no point of the curve. */
  async verifier(header: string | null): Promise<AgentVerifier> {
    const known = this.#imported.get(header ?? '');
    if (known !== undefined) return known;
    const key = parseAgentKey(header);
    const imported = await importKey(key);
    const verifier: AgentVerifier = {
      thumbprint: await thumbprint(this.#crypto, key),
      verify: (base, signature) => crypto.subtle.verify(ECDSA_P256, imported, signature, base),
    };
    this.#imported.set(formatAgentKey(key), verifier);
    return verifier;
  }
}

async function importKey(key: AgentKey): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey('jwk', { ...key }, ECDSA_P256, false, ['verify']);
  } catch (cause) {
    throw new CaError('agent-signature', 'the key is not a point of P-256', { cause });
  }
}

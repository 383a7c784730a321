import { toBase64Url, utf8 } from '../../../pki/src/bytes.ts';
import { webCrypto } from '../../../pki/src/crypto/web.ts';
import { formatAgentKey, thumbprint, thumbprintUrn } from '../../../ca-service/src/client/agent_key.ts';
import { contentDigest } from '../../../ca-service/src/client/content_digest.ts';
import {
  formatNonce,
  type RawSign,
  type RequestMessage,
  type RequestParams,
  signRequest,
} from '../../../ca-service/src/client/message_signature.ts';
import { claimsOf, type PodFacts, sign, type TokenSigner } from './tokens.ts';

const port = webCrypto();
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };

/** An agent with its key, that signs requests as the wire demands, or as a test wants them wrong. */
export class TestAgent {
  readonly x: string;
  readonly y: string;
  readonly thumbprint: string;
  readonly sign: RawSign;
  readonly caUrl: string;

  constructor(facts: { x: string; y: string; thumbprint: string; sign: RawSign; caUrl: string }) {
    ({ x: this.x, y: this.y, thumbprint: this.thumbprint, sign: this.sign, caUrl: this.caUrl } = facts);
  }

  static async create(caUrl: string): Promise<TestAgent> {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const { privateKey, publicKey } = keys as CryptoKeyPair;
    const { x = '', y = '' } = (await crypto.subtle.exportKey('jwk', publicKey)) as JsonWebKey;
    const signRaw: RawSign = async (base) =>
      new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, base));
    return new TestAgent({ x, y, thumbprint: await thumbprint(port, { x, y }), sign: signRaw, caUrl });
  }

  get audiences(): string[] {
    return [this.caUrl, thumbprintUrn(this.thumbprint)];
  }

  token(signer: TokenSigner, pod: PodFacts, now: number, change: object = {}): Promise<string> {
    return sign(signer, { ...claimsOf(pod, this.audiences, now, signer.issuer), ...change });
  }

  /** A signed request; `message` and `params` replace what is signed, `headers` what is sent. */
  async request(
    path: string,
    body: Uint8Array,
    facts: {
      token: string;
      boot: string;
      now: number;
      message?: Partial<RequestMessage>;
      params?: Partial<RequestParams>;
      headers?: Record<string, string | null>;
    },
  ): Promise<Request> {
    const message: RequestMessage = {
      method: 'POST',
      targetUri: this.caUrl + path,
      contentDigest: await contentDigest(port, body),
      authorization: `Bearer ${facts.token}`,
    };
    const params: RequestParams = {
      created: Math.floor(facts.now / 1000),
      nonce: formatNonce(facts.boot, port.random(16)),
      keyid: this.thumbprint,
      ...facts.params,
    };
    const signed = await signRequest({ ...message, ...facts.message }, params, this.sign);
    const headers = new Headers({
      'content-type': 'application/json',
      'ambient-agent-key': formatAgentKey({ x: this.x, y: this.y }),
      'content-digest': message.contentDigest,
      authorization: message.authorization,
      'signature-input': signed['signature-input'],
      signature: signed.signature,
    });
    for (const [name, value] of Object.entries(facts.headers ?? {})) {
      if (value === null) headers.delete(name);
      else headers.set(name, value);
    }
    return new Request(this.caUrl + path, { method: 'POST', headers, body });
  }
}

export async function hashToken(token: string): Promise<string> {
  return toBase64Url(await port.sha256(utf8(token)));
}

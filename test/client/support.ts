import {
  formatNonce,
  type RawSign,
  type RawVerify,
  type RequestMessage,
} from '../../ca-service/src/client/message_signature.ts';

/** A P-256 key that signs and verifies as RFC 9421 wants it, by WebCrypto as in the Worker. */
export async function signatureKey(): Promise<{ sign: RawSign; verify: RawVerify; x: string; y: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { x = '', y = '' } = await crypto.subtle.exportKey('jwk', publicKey);
  const sha256 = { name: 'ECDSA', hash: 'SHA-256' };
  return {
    x,
    y,
    sign: async (base) => new Uint8Array(await crypto.subtle.sign(sha256, privateKey, own(base))),
    verify: (base, signature) => crypto.subtle.verify(sha256, publicKey, own(signature), own(base)),
  };
}

export const request: RequestMessage = {
  method: 'POST',
  targetUri: 'https://ca.example.com/v1/trust-domains/cluster.local/clusters/prod/certificates',
  contentDigest: 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:',
  authorization: 'Bearer aaa.bbb.ccc',
};

export const requestParams = {
  created: 1_800_000_000,
  nonce: formatNonce(
    'bootboot',
    Uint8Array.from({ length: 16 }, (_, index) => index * 15),
  ),
  keyid: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
};

export const answerParams = { created: 1_800_000_001, keyid: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' };

function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

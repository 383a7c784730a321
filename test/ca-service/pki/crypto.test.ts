import { describe } from 'vitest';
import type { Signer } from '../../../pki/src/crypto/port.ts';
import { webCrypto, webSigner } from '../../../pki/src/crypto/web.ts';
import { itIsACryptoPort, type SuiteKeyType } from '../../pki/crypto/suite.ts';

const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: Uint8Array.of(1, 0, 1) };
const GENERATE = {
  'ec-p256': { name: 'ECDSA', namedCurve: 'P-256' },
  'ec-p384': { name: 'ECDSA', namedCurve: 'P-384' },
  'rsa-2048': { ...RSA, modulusLength: 2048 },
};

async function newSigner(type: SuiteKeyType): Promise<Signer> {
  const pair = (await crypto.subtle.generateKey(GENERATE[type], false, ['sign', 'verify'])) as CryptoKeyPair;
  const spki = new Uint8Array((await crypto.subtle.exportKey('spki', pair.publicKey)) as ArrayBuffer);
  return webSigner(pair.privateKey, spki);
}

describe("the crypto port on workerd's WebCrypto", () => {
  itIsACryptoPort(webCrypto(), newSigner);
});

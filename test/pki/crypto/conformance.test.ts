import { Crypto as PeculiarCrypto } from '@peculiar/webcrypto';
import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../../pki/src/bytes.ts';
import { generateNodeKey, nodeCrypto, nodeSigner } from '../../../pki/src/crypto/node.ts';
import type { CryptoPort } from '../../../pki/src/crypto/port.ts';
import { itIsACryptoPort } from './suite.ts';
import { webCrypto, webSigner, type WebCryptoProvider } from '../../../pki/src/crypto/web.ts';

const peculiar = new PeculiarCrypto() as unknown as WebCryptoProvider;
const ports: [name: string, port: CryptoPort][] = [
  ['node:crypto', nodeCrypto()],
  ['WebCrypto', webCrypto()],
  ['@peculiar/webcrypto', webCrypto(peculiar)],
];
const data = utf8('what is signed');

describe.each(ports)('the crypto port on %s', (_name, port) => {
  itIsACryptoPort(port, generateNodeKey);
});

describe('signers', () => {
  it('a WebCrypto signer makes what node:crypto takes, P-256 and P-384', async () => {
    for (const [namedCurve, type] of [
      ['P-256', 'ecdsa-sha256'],
      ['P-384', 'ecdsa-sha384'],
    ] as const) {
      const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve }, false, ['sign', 'verify']);
      const spki = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
      const signer = webSigner(pair.privateKey, spki);
      expect(signer.algorithm).toBe(type);
      expect(nodeCrypto().verify(signer.algorithm, spki, data, await signer.sign(data))).toBe(true);
    }
  });

  it('a key that was kept as PKCS#8 signs as before', () => {
    const key = generateNodeKey('ec-p256');
    const again = nodeSigner(key.pkcs8);
    expect(toHex(again.spki)).toBe(toHex(key.spki));
    expect(nodeCrypto().verify('ecdsa-sha256', key.spki, data, again.sign(data))).toBe(true);
  });
});

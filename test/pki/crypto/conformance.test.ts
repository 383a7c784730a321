import { Crypto as PeculiarCrypto } from '@peculiar/webcrypto';
import { describe, expect, it } from 'vitest';
import { concat, toHex, utf8 } from '../../../pki/src/bytes.ts';
import { generateNodeKey, nodeCrypto, nodeSigner } from '../../../pki/src/crypto/node.ts';
import type { CryptoPort, KeyType } from '../../../pki/src/crypto/port.ts';
import { webCrypto, webSigner, type WebCryptoProvider } from '../../../pki/src/crypto/web.ts';

const peculiar = new PeculiarCrypto() as unknown as WebCryptoProvider;
const ports: [name: string, port: CryptoPort][] = [
  ['node:crypto', nodeCrypto()],
  ['WebCrypto', webCrypto()],
  ['@peculiar/webcrypto', webCrypto(peculiar)],
];
const types: KeyType[] = ['ec-p256', 'ec-p384', 'rsa-2048'];
const keys = new Map(types.map((type) => [type, generateNodeKey(type)]));
const data = utf8('what is signed');

describe.each(ports)('the crypto port on %s', (_name, port) => {
  it('hashes as FIPS 180-4 says', async () => {
    expect(toHex(await port.sha256(utf8('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it.each(types)('takes a signature by a %s key and refuses whatever differs from it', async (type) => {
    const signer = keys.get(type);
    const other = generateNodeKey(type);
    if (signer === undefined) throw new Error('no key');
    const signature = signer.sign(data);
    const { algorithm, spki } = signer;
    expect(await port.verify(algorithm, spki, data, signature)).toBe(true);
    expect(await port.verify(algorithm, spki, utf8('what is sighed'), signature)).toBe(false);
    expect(await port.verify(algorithm, other.spki, data, signature)).toBe(false);
    const flipped = Uint8Array.from(signature);
    flipped[flipped.length - 1] = (flipped[flipped.length - 1] ?? 0) ^ 1;
    expect(await port.verify(algorithm, spki, data, flipped)).toBe(false);
    expect(await port.verify(algorithm, spki, data, signature.subarray(0, -1))).toBe(false);
    expect(await port.verify(algorithm, spki, data, concat(signature, Uint8Array.of(0)))).toBe(false);
    expect(await port.verify(algorithm, spki, data, new Uint8Array())).toBe(false);
  });

  it('answers false, and never throws, for keys that are none or do not fit the algorithm', async () => {
    const ec = keys.get('ec-p256');
    const rsa = keys.get('rsa-2048');
    if (ec === undefined || rsa === undefined) throw new Error('no key');
    expect(await port.verify('ecdsa-sha256', new Uint8Array(91), data, ec.sign(data))).toBe(false);
    expect(await port.verify('rsa-sha256', ec.spki, data, ec.sign(data))).toBe(false);
    expect(await port.verify('ecdsa-sha256', rsa.spki, data, rsa.sign(data))).toBe(false);
    const offCurve = Uint8Array.from(ec.spki);
    offCurve[90] = (offCurve[90] ?? 0) ^ 1;
    expect(await port.verify('ecdsa-sha256', offCurve, data, ec.sign(data))).toBe(false);
  });

  it('draws bytes that differ', () => {
    const draws = new Set(Array.from({ length: 1000 }, () => toHex(port.random(16))));
    expect(draws.size).toBe(1000);
    expect(port.random(5000)).toHaveLength(5000);
  });
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

import { expect, it } from 'vitest';
import { concat, toHex, utf8 } from '../../../pki/src/bytes.ts';
import { buildCsr } from '../../../pki/src/csr/build.ts';
import { parseCsr } from '../../../pki/src/csr/parse.ts';
import { verifyPossession } from '../../../pki/src/csr/possession.ts';
import type { CryptoPort, KeyType, Signer } from '../../../pki/src/crypto/port.ts';

const TYPES = ['ec-p256', 'ec-p384', 'rsa-2048'] as const satisfies KeyType[];
export type SuiteKeyType = (typeof TYPES)[number];

const data = utf8('what is signed');

/** What every crypto port owes, wherever it runs. Signers come from the caller: the suite knows no platform. */
export function itIsACryptoPort(port: CryptoPort, newSigner: (type: SuiteKeyType) => Signer | Promise<Signer>): void {
  it('hashes as FIPS 180-4 says', async () => {
    expect(toHex(await port.sha256(utf8('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it.each(TYPES)('takes a signature by a %s key and refuses whatever differs from it', async (type) => {
    const signer = await newSigner(type);
    const other = await newSigner(type);
    const signature = await signer.sign(data);
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
    const [ec, rsa] = [await newSigner('ec-p256'), await newSigner('rsa-2048')];
    expect(await port.verify('ecdsa-sha256', new Uint8Array(91), data, await ec.sign(data))).toBe(false);
    expect(await port.verify('rsa-sha256', ec.spki, data, await ec.sign(data))).toBe(false);
    expect(await port.verify('ecdsa-sha256', rsa.spki, data, await rsa.sign(data))).toBe(false);
    const offCurve = Uint8Array.from(ec.spki);
    offCurve[90] = (offCurve[90] ?? 0) ^ 1;
    expect(await port.verify('ecdsa-sha256', offCurve, data, await ec.sign(data))).toBe(false);
  });

  it('draws bytes that differ', () => {
    const draws = new Set(Array.from({ length: 1000 }, () => toHex(port.random(16))));
    expect(draws.size).toBe(1000);
    expect(port.random(5000)).toHaveLength(5000);
  });

  it.each(TYPES)('proves possession of a %s key by its CSR', async (type) => {
    const csr = parseCsr(await buildCsr({ signer: await newSigner(type), identity: 'spiffe://td/ns/a/sa/b' }));
    expect(await verifyPossession(port, csr)).toBe(true);
    const other = await newSigner(type);
    expect(await verifyPossession(port, { ...csr, spki: other.spki })).toBe(false);
  });
}

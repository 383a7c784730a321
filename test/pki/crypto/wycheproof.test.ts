import { Crypto as PeculiarCrypto } from '@peculiar/webcrypto';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../pki/src/bytes.ts';
import { nodeCrypto } from '../../../pki/src/crypto/node.ts';
import type { CryptoPort, SignatureAlgorithm } from '../../../pki/src/crypto/port.ts';
import { webCrypto } from '../../../pki/src/crypto/web.ts';
import { readVectors, whyNot } from '../../support/public_vectors.ts';

interface Group {
  /** EC key, or RSA in files of RSASSA-PKCS1-v1_5. */
  readonly publicKeyDer: string;
  readonly tests: { tcId: number; comment: string; flags: string[]; msg: string; sig: string; result: string }[];
}

const files: [file: string, algorithm: SignatureAlgorithm][] = [
  ['ecdsa_secp256r1_sha256_test.json', 'ecdsa-sha256'],
  ['ecdsa_secp384r1_sha256_test.json', 'ecdsa-sha256'],
  ['ecdsa_secp384r1_sha384_test.json', 'ecdsa-sha384'],
  ['rsa_signature_2048_sha256_test.json', 'rsa-sha256'],
  ['rsa_signature_2048_sha384_test.json', 'rsa-sha384'],
  ['rsa_signature_3072_sha256_test.json', 'rsa-sha256'],
  ['rsa_signature_4096_sha256_test.json', 'rsa-sha256'],
];

const ports: [name: string, port: CryptoPort][] = [
  ['node:crypto', nodeCrypto()],
  ['WebCrypto', webCrypto()],
  ['@peculiar/webcrypto', webCrypto(new PeculiarCrypto())],
];

const first = readVectors(`wycheproof/${files[0]?.[0]}`);

/** The files *_p1363_* are not here: a CSR or certificate has DER signatures (RFC 5480), and JWS has its own file. */
describe.skipIf(first === null)(`Wycheproof${whyNot(first)}`, () => {
  describe.each(ports)('%s', (_name, port) => {
    it.each(files)(
      'agrees with %s',
      async (file, algorithm) => {
        const { testGroups } = readVectors(`wycheproof/${file}`) as { testGroups: Group[] };
        const wrong: string[] = [];
        for (const { publicKeyDer, tests } of testGroups) {
          const spki = fromHex(publicKeyDer);
          for (const { tcId, comment, flags, msg, sig, result } of tests) {
            const verdict = await port.verify(algorithm, spki, fromHex(msg), fromHex(sig));
            // "acceptable" marks signatures that a strict verifier refuses (a missing NULL in the digest's algorithm): it may go either way.
            // "SmallPublicKey" is an exponent of 3, which no signature of ours may come from.
            const expected = result === 'valid' && !flags.includes('SmallPublicKey');
            if (result !== 'acceptable' && verdict !== expected) {
              wrong.push(`${tcId} ${result} ${comment} (${flags.join(', ')})`);
            }
          }
        }
        expect(wrong).toEqual([]);
      },
      60_000,
    );
  });
});

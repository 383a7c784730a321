import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../pki/src/bytes.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import type { Signer } from '../../../pki/src/crypto/port.ts';
import { webSigner } from '../../../pki/src/crypto/web.ts';
import { buildCsr } from '../../../pki/src/csr/build.ts';
import { parseCsr } from '../../../pki/src/csr/parse.ts';
import { decodePem, encodePem } from '../../../pki/src/pem.ts';
import { formatIdentity } from '../../../pki/src/spiffe_id.ts';
import { identity, key } from './samples.ts';

const captured = resolve(import.meta.dirname, '../../vectors/csr/captured');
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe('buildCsr', () => {
  it.each(readdirSync(captured))('writes, byte for byte, what the client of %s wrote', async (file) => {
    const [der = new Uint8Array()] = decodePem(readFileSync(join(captured, file), 'utf8'), 'CERTIFICATE REQUEST');
    const { spki, signature, signatureAlgorithm, subjectEmpty, requestedIdentity, info } = parseCsr(der);
    const signer: Signer = {
      algorithm: signatureAlgorithm,
      spki,
      sign(data) {
        expect(toHex(data)).toBe(toHex(info));
        return signature;
      },
    };
    const built = await buildCsr({ signer, identity: requestedIdentity, emptyOrganization: !subjectEmpty });
    expect(toHex(built)).toBe(toHex(der));
  });

  it('answers at once with a signer that does, and later with one that does not', async () => {
    expect(buildCsr({ signer: key, identity })).toBeInstanceOf(Uint8Array);
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
    const spki = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
    const promised = buildCsr({ signer: webSigner(pair.privateKey, spki), identity });
    expect(promised).toBeInstanceOf(Promise);
    expect(parseCsr(await promised).requestedIdentity).toBe(identity);
  });

  it.skipIf(!hasOpenssl).each(['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const)(
    'OpenSSL finds the signature of a %s key right',
    async (type) => {
      const pem = encodePem('CERTIFICATE REQUEST', await buildCsr({ signer: generateNodeKey(type), identity }));
      const { stdout, status } = spawnSync('openssl', ['req', '-verify', '-noout', '-text'], { input: pem });
      expect(status).toBe(0);
      expect(stdout.toString()).toContain(`URI:${identity}`);
    },
  );

  it('what it writes is read back the same', () => {
    const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/);
    fc.assert(
      fc.property(
        fc.record({ trustDomain: name, namespace: name, serviceAccount: name }),
        fc.boolean(),
        fc.boolean(),
        (facts, sanCritical, emptyOrganization) => {
          const uri = formatIdentity(facts);
          const der = buildCsr({ signer: key, identity: uri, sanCritical, emptyOrganization }) as Uint8Array;
          const csr = parseCsr(der);
          expect([csr.requestedIdentity, csr.subjectEmpty]).toEqual([uri, !emptyOrganization]);
        },
      ),
    );
  });
});

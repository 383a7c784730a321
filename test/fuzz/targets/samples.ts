import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex } from '../../../pki/src/bytes.ts';
import { parseCsr } from '../../../pki/src/csr/parse.ts';
import { decodePem } from '../../../pki/src/pem.ts';
import { KEY_USAGE } from '../../../pki/src/profiles.ts';
import { octetAlignedBits, sequence } from '../../../pki/src/der/writer.ts';
import { signatureAlgorithmDer } from '../../../pki/src/signature_algorithm.ts';
import * as x from '../../pki/tbs.ts';

export const IDENTITY = 'spiffe://cluster.local/ns/bookinfo/sa/productpage';

/** Looks like a signature of P-256. Nothing here verifies one, and the same seed must give the same inputs. */
const SIGNATURE = fromHex(`3044${`0220${'11'.repeat(32)}`.repeat(2)}`);

/** CSRs as the clients of a mesh send them: those of the vectors. */
export function csrs(): Uint8Array[] {
  return ['captured', 'accepted'].flatMap((kind) => {
    const folder = join(import.meta.dirname, '../../vectors/csr', kind);
    return readdirSync(folder)
      .sort()
      .flatMap((file) => decodePem(readFileSync(join(folder, file), 'latin1'), 'CERTIFICATE REQUEST'));
  });
}

/** Public keys of these CSRs, one of each kind. */
export function publicKeys(): Uint8Array[] {
  const kinds = new Map(csrs().map((csr) => [parseCsr(csr).spki.length, parseCsr(csr).spki]));
  return [...kinds.values()];
}

/** Certificates with every extension that we read: a leaf, a serving leaf, and authorities. */
export function certificates(): Uint8Array[] {
  return publicKeys().flatMap((spki) => {
    const keyId = new Uint8Array(20).fill(7);
    const tbs = (extensions: readonly Uint8Array[] | null, subject?: Uint8Array): Uint8Array =>
      x.writeTbs({ spki, extensions, ...(subject === undefined ? {} : { subject }) });
    return [
      tbs(x.svidExtensions({ authorityKeyId: keyId })),
      tbs([
        x.san([x.dns('agent.istio-system.svc'), x.ip(127, 0, 0, 1), x.mail('a@b.example'), x.otherName()], false),
        x.keyUsage(KEY_USAGE.digitalSignature | KEY_USAGE.keyEncipherment),
        x.extendedKeyUsage(['1.3.6.1.5.5.7.3.1']),
        x.basicConstraints(x.NOT_A_CA),
      ]),
      tbs(
        [
          x.basicConstraints(x.caWithPathLength(0)),
          x.keyUsage(KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign),
          x.subjectKeyId(keyId),
          x.authorityKeyId(keyId),
          x.nameConstraints({ permitted: [x.uri('example.com')], excluded: [x.dns(''), x.ip(0, 0, 0, 0, 0, 0, 0, 0)] }),
        ],
        x.name('an intermediate'),
      ),
      tbs([x.basicConstraints(x.CA), x.keyUsage(KEY_USAGE.keyCertSign)], x.name('a root')),
      tbs([x.san([x.directoryName('a name')]), x.extendedKeyUsage(['2.5.29.37.0'])], x.name('something else')),
      tbs(null),
    ].map((each) => sequence(each, signatureAlgorithmDer('ecdsa-sha256'), octetAlignedBits(SIGNATURE)));
  });
}

import { encodeTime } from '../../pki/src/certificate/time.ts';
import { signatureAlgorithmDer } from '../../pki/src/signature_algorithm.ts';
import { authorityKey, type Authority } from './authority.ts';
import { basicConstraints, CA, keyUsage, name, signTbs, subjectKeyId, writeTbs } from './tbs.ts';

/** A root as another CA might have made it, before it was imported: other dates (2020 to 2051), hash and name. */
export async function importedRoot(type: 'rsa-2048' | 'rsa-3072' | 'ec-p384'): Promise<Authority> {
  const key = await authorityKey(type);
  const algorithm = signatureAlgorithmDer(key.signer.algorithm);
  const extensions = [basicConstraints(CA), keyUsage(0x60), subjectKeyId(new Uint8Array(20).fill(7))];
  const tbs = writeTbs({
    algorithm,
    issuer: name('Example Corporation Root'),
    subject: name('Example Corporation Root'),
    notBefore: encodeTime(Date.UTC(2020, 0, 1)),
    notAfter: encodeTime(Date.UTC(2051, 0, 1)),
    spki: key.spki,
    extensions,
  });
  return { ...key, certificate: signTbs(tbs, key.signer) };
}

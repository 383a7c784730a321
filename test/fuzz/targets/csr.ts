import 'reflect-metadata';
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509';
import { verify } from 'node:crypto';
import { nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { parseCsr, type Csr } from '../../../pki/src/csr/parse.ts';
import { verifyPossession } from '../../../pki/src/csr/possession.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import { mutateDer } from '../mutate_der.ts';
import { accepts, bytesDiffer, type Target } from '../target.ts';
import { compareKey } from './key.ts';
import { csrs } from './samples.ts';

const crypto = nodeCrypto();
const SUBJECT_ALT_NAME = '2.5.29.17';

/** Whether OpenSSL says the same of the signature, over the bytes that @peculiar/x509 sees as signed. */
function comparePossession(csr: Csr): string | null {
  const ours = verifyPossession(crypto, csr) === true;
  const digest = csr.signatureAlgorithm.endsWith('256') ? 'sha256' : 'sha384';
  const key = { key: Buffer.from(csr.spki), format: 'der', type: 'spki' } as const;
  let openssl = false;
  try {
    openssl = verify(digest, csr.info, key, csr.signature);
  } catch {
    // A point off its curve verifies nothing.
  }
  return ours === openssl ? null : `possession is ${ours}, OpenSSL says ${openssl}`;
}

/** The reader of CSRs, held to @peculiar/x509 for what it says and to OpenSSL for its key and signature. */
export const csrTarget: Target = {
  name: 'csr',
  seeds: csrs,
  mutate: mutateDer,
  parse: parseCsr,
  isRefusal: (error): error is Error => error instanceof PkiError,
  compare(input, read) {
    const ours = read as Csr;
    let theirs;
    try {
      theirs = new Pkcs10CertificateRequest(Buffer.from(input));
    } catch (error) {
      return `@peculiar/x509 refuses it: ${(error as Error).message}`;
    }
    if (bytesDiffer(ours.spki, theirs.publicKey.rawData)) return '@peculiar/x509 sees another key';
    if (bytesDiffer(ours.signature, theirs.signature)) return '@peculiar/x509 sees another signature';
    if (ours.subjectEmpty !== (theirs.subjectName.toJSON().length === 0)) return '@peculiar/x509 sees another subject';
    const names = theirs.getExtension(SUBJECT_ALT_NAME);
    const wanted = names instanceof SubjectAlternativeNameExtension ? names.names.items : [];
    if (wanted.some(({ type }) => type !== 'url')) return '@peculiar/x509 sees a name that is no URI';
    if ((wanted[0]?.value ?? null) !== ours.requestedIdentity || wanted.length > 1)
      return `@peculiar/x509 sees the names ${JSON.stringify(wanted.map(({ value }) => value))}`;
    return compareKey(ours.spki, ours.publicKey) ?? comparePossession(ours);
  },
  othersAccept: (input) => accepts(() => new Pkcs10CertificateRequest(Buffer.from(input))),
  compareOneIn: 8,
};

import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509Certificate as Peculiar,
} from '@peculiar/x509';
import { X509Certificate } from 'node:crypto';
import { toHex } from '../../../pki/src/bytes.ts';
import { parseCertificate, type Certificate } from '../../../pki/src/certificate/parse.ts';
import { EXTENSION } from '../../../pki/src/certificate/extensions.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import { mutateDer } from '../mutate_der.ts';
import { accepts, bytesDiffer, type Target } from '../target.ts';
import { compareKey } from './key.ts';
import { certificates } from './samples.ts';

const serialOf = (hex: string): string => hex.toLowerCase().replace(/^0+/, '');

function compareWithOpenssl(input: Uint8Array, ours: Certificate): string | null {
  let theirs;
  try {
    theirs = new X509Certificate(input);
  } catch (error) {
    return `OpenSSL refuses it: ${(error as Error).message}`;
  }
  if (bytesDiffer(input, theirs.raw)) return 'OpenSSL writes it differently';
  if (serialOf(theirs.serialNumber) !== serialOf(toHex(ours.serial)))
    return `OpenSSL sees serial ${theirs.serialNumber}`;
  if (theirs.validFromDate.getTime() !== ours.notBefore || theirs.validToDate.getTime() !== ours.notAfter)
    return `OpenSSL sees it valid from ${theirs.validFrom} to ${theirs.validTo}`;
  // OpenSSL's CA flag also asks for keyCertSign where there is a keyUsage.
  if (theirs.ca && ours.basicConstraints?.ca !== true) return 'OpenSSL sees a CA';
  const purposes = ours.extendedKeyUsage ?? [];
  if (JSON.stringify(theirs.keyUsage ?? []) !== JSON.stringify(purposes)) return 'OpenSSL sees other purposes';
  return compareKey(ours.spki, ours.publicKey);
}

function compareWithPeculiar(input: Uint8Array, ours: Certificate): string | null {
  let theirs;
  try {
    theirs = new Peculiar(Buffer.from(input));
  } catch (error) {
    return `@peculiar/x509 refuses it: ${(error as Error).message}`;
  }
  if (serialOf(theirs.serialNumber) !== serialOf(toHex(ours.serial))) return 'its serial differs in @peculiar/x509';
  if (theirs.notBefore.getTime() !== ours.notBefore || theirs.notAfter.getTime() !== ours.notAfter)
    return 'its validity differs in @peculiar/x509';
  if (bytesDiffer(ours.spki, theirs.publicKey.rawData)) return 'its key differs in @peculiar/x509';
  if (bytesDiffer(ours.signature, theirs.signature)) return 'its signature differs in @peculiar/x509';
  if (theirs.extensions.length !== ours.extensions.length) return 'its extensions differ in @peculiar/x509';
  const constraints = theirs.getExtension(BasicConstraintsExtension);
  if ((constraints?.ca ?? false) !== (ours.basicConstraints?.ca ?? false)) return 'CA or not differs in @peculiar/x509';
  if ((constraints?.pathLength ?? null) !== (ours.basicConstraints?.pathLength ?? null))
    return 'its path length differs in @peculiar/x509';
  const names = theirs.getExtension(EXTENSION.subjectAltName);
  const items = names instanceof SubjectAlternativeNameExtension ? names.names.items : [];
  const of = (type: string): string =>
    JSON.stringify(items.filter((item) => item.type === type).map(({ value }) => value));
  if (of('url') !== JSON.stringify(ours.uriSans) || of('dns') !== JSON.stringify(ours.dnsSans))
    return `@peculiar/x509 sees the URIs ${of('url')} and DNS names ${of('dns')}`;
  return null;
}

const READ: ReadonlySet<string> = new Set(Object.values(EXTENSION));

/** @peculiar/x509 also reads what ours only hands on, as "another name" or "another extension", and refuses what it cannot read. */
const readsItAll = ({ extensions, otherSans, nameConstraints }: Certificate): boolean =>
  extensions.every(({ oid }) => READ.has(oid)) && !otherSans && nameConstraints?.other !== true;

/** The reader of certificates, held to OpenSSL and @peculiar/x509. */
export const certificateTarget: Target = {
  name: 'certificate',
  seeds: certificates,
  mutate: mutateDer,
  parse: parseCertificate,
  isRefusal: (error): error is Error => error instanceof PkiError,
  compare(input, read) {
    const ours = read as Certificate;
    const openssl = compareWithOpenssl(input, ours);
    return openssl ?? (readsItAll(ours) ? compareWithPeculiar(input, ours) : null);
  },
  othersAccept: (input) => accepts(() => new X509Certificate(input)) && accepts(() => new Peculiar(Buffer.from(input))),
  compareOneIn: 8,
};

import 'reflect-metadata';
import { PemConverter } from '@peculiar/x509';
import { X509Certificate } from 'node:crypto';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import { decodePem, encodePem } from '../../../pki/src/pem.ts';
import { mutateText } from '../mutate_text.ts';
import { accepts, bytesDiffer, type Target } from '../target.ts';
import { certificates } from './samples.ts';

const LABEL = 'CERTIFICATE';
const MAX_BLOCKS = 4;

const DICTIONARY = [
  ['-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', '-----BEGIN X509 CERTIFICATE-----', '-----END '],
  ['\n', '\r\n', '\r', '\t', ' ', '\v', '\f', '\0', '=', '==', '===', '-', '_', '+', '/', '-----', '----- \n'],
  ['Proc-Type: 4,ENCRYPTED\n', 'DEK-Info: AES-256-CBC,00\n\n', '\u00a0', '\ufeff', '\u2028', 'MII', 'AAAA', 'AB=='],
].flat();

const text = (input: Uint8Array): string => Buffer.from(input).toString('latin1');
const certificatesSeen = new Map<string, boolean>();

/** OpenSSL can be asked about the PEM around a certificate only, and reads it whole only when nothing follows it. */
function isCertificate(der: Uint8Array): boolean {
  const key = Buffer.from(der).toString('base64');
  let known = certificatesSeen.get(key);
  if (known === undefined) {
    known = accepts(() => parseCertificate(der));
    if (certificatesSeen.size < 1_000) certificatesSeen.set(key, known);
  }
  return known;
}

/** The reader of PEM, held to @peculiar/x509 and, where the first block holds a certificate, to OpenSSL. */
export const pemTarget: Target = {
  name: 'pem',
  seeds: () => {
    const pems = certificates().map((der) => encodePem(LABEL, der));
    const short = encodePem(LABEL, Buffer.from('3003020101', 'hex'));
    return [...pems, short, `${short}${short}`, short.replaceAll('\n', '\r\n'), `${pems[0]}${pems[1]}`].map((pem) =>
      Buffer.from(pem, 'latin1'),
    );
  },
  mutate: mutateText(DICTIONARY),
  parse: (input) => decodePem(text(input), LABEL, { maxBlocks: MAX_BLOCKS }),
  isRefusal: (error): error is Error => error instanceof PkiError,
  compare(input, read) {
    const ours = read as Uint8Array[];
    let theirs;
    try {
      theirs = PemConverter.decode(text(input));
    } catch (error) {
      return `@peculiar/x509 refuses it: ${(error as Error).message}`;
    }
    if (theirs.length !== ours.length || ours.some((der, index) => bytesDiffer(der, theirs[index] as ArrayBuffer)))
      return '@peculiar/x509 reads other bytes';
    const [first] = ours;
    if (first === undefined || !isCertificate(first)) return null;
    try {
      return bytesDiffer(first, new X509Certificate(Buffer.from(input)).raw) ? 'OpenSSL reads other bytes' : null;
    } catch (error) {
      return `OpenSSL refuses it: ${(error as Error).message}`;
    }
  },
  othersAccept: (input) => accepts(() => new X509Certificate(Buffer.from(input))),
  compareOneIn: 8,
};

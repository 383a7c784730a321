import 'reflect-metadata';
import { Name, X509CertificateGenerator, type JsonName } from '@peculiar/x509';
import { toHex } from '../bytes.ts';
import type { Certificate } from '../certificate/parse.ts';
import { randomSerial } from '../leaf/build.ts';
import { matchedAlgorithm } from '../leaf/template.ts';
import type { AuthorityProfileName } from '../profiles.ts';
import { parsePublicKey } from '../public_key.ts';
import { checkAuthority } from './check.ts';
import { authorityExtensions } from './extensions.ts';

/** A CA with the key that signs for it. */
interface AuthorityIssuer {
  readonly certificate: Certificate;
  readonly signingKey: CryptoKey;
}

interface Certification {
  readonly profile: AuthorityProfileName;
  /** A new name, or that of another certificate as DER, kept byte for byte. */
  readonly subject: JsonName | Uint8Array;
  readonly subjectSpki: Uint8Array;
  readonly subjectKeyId: Uint8Array;
  /** ms since 1970, whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** `signingKey` alone makes a certificate that is signed by itself. */
  readonly issuer: AuthorityIssuer | { readonly certificate: null; readonly signingKey: CryptoKey };
  readonly reservedNames?: readonly string[];
}

/** Makes a CA certificate by `@peculiar/x509`, and lets it go only when it is exactly what its profile says. */
export async function certify(options: Certification): Promise<Uint8Array> {
  const { profile, subjectSpki, subjectKeyId, notBefore, notAfter, issuer } = options;
  const { certificate, signingKey } = issuer;
  const reservedNames = options.reservedNames ?? [];
  const subject = nameOf(options.subject);
  const made = await X509CertificateGenerator.create(
    {
      serialNumber: toHex(randomSerial((length) => crypto.getRandomValues(new Uint8Array(length)))),
      subject,
      issuer: certificate === null ? subject : nameOf(certificate.subject),
      notBefore: new Date(notBefore),
      notAfter: new Date(notAfter),
      publicKey: Uint8Array.from(subjectSpki),
      signingKey,
      signingAlgorithm: signingAlgorithm(certificate?.spki ?? subjectSpki),
      extensions: authorityExtensions({
        profile,
        subjectKeyId,
        authorityKeyId: certificate?.subjectKeyId ?? null,
        reservedNames,
      }),
    },
    crypto,
  );
  const der = new Uint8Array(made.rawData);
  await checkAuthority(der, {
    profile,
    spki: subjectSpki,
    subjectKeyId,
    notBefore,
    notAfter,
    issuer: certificate,
    subject: options.subject instanceof Uint8Array ? options.subject : null,
    reservedNames,
  });
  return der;
}

function nameOf(name: JsonName | Uint8Array): Name {
  return new Name(name instanceof Uint8Array ? Uint8Array.from(name) : name);
}

function signingAlgorithm(spki: Uint8Array): { name: string; hash: string } {
  const algorithm = matchedAlgorithm(parsePublicKey(spki));
  const hash = algorithm.endsWith('sha384') ? 'SHA-384' : 'SHA-256';
  return { name: algorithm.startsWith('rsa') ? 'RSASSA-PKCS1-v1_5' : 'ECDSA', hash };
}

import { equal } from '../../../pki/src/bytes.ts';
import { type Certificate, parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { verifyChain } from '../../../pki/src/chain/verify.ts';
import type { SyncCryptoPort } from '../../../pki/src/crypto/port.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import { encodePem } from '../../../pki/src/pem.ts';
import { UpstreamError } from '../edge/errors.ts';
import type { Bundle } from '../trust/bundle.ts';

/** What the gRPC server shows, with its key. */
export interface ServingCertificate {
  readonly keyPem: string;
  /** Leaf, intermediate, and during a rotation cross-certificates; no root. */
  readonly certPem: string;
  /** ms since 1970 */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A serving certificate with its key, as DER: what is stored. */
export interface ServingMaterial {
  /** PKCS#8 */
  readonly pkcs8: Uint8Array;
  /** SubjectPublicKeyInfo of that key. */
  readonly spki: Uint8Array;
  readonly leaf: Uint8Array;
  /** The leaf's issuer first. */
  readonly intermediates: readonly Uint8Array[];
}

/**
 * Holds a serving certificate against the accepted trust: our key, exactly the enrolled names, good for a TLS server
 * under an accepted root now.
 *
 * @throws UpstreamError `leaf-refused`
 */
export function checkServing(
  crypto: SyncCryptoPort,
  bundle: Bundle,
  material: ServingMaterial,
  now: number,
): ServingCertificate {
  try {
    const leaf = parseCertificate(material.leaf);
    if (!equal(leaf.spki, material.spki)) throw refused('its key is not ours');
    const fault = namesFault(leaf, bundle.document.servingNames);
    if (fault !== null) throw refused(fault);
    const { intermediates } = material;
    const chain = verifyChain({ crypto, leaf, intermediates, roots: bundle.roots, now, purpose: 'server' });
    if (!chain.ok) throw refused(`${chain.code}, ${chain.reason}`);
    return {
      keyPem: encodePem('PRIVATE KEY', material.pkcs8),
      certPem: [material.leaf, ...intermediates].map((der) => encodePem('CERTIFICATE', der)).join(''),
      notBefore: leaf.notBefore,
      notAfter: leaf.notAfter,
    };
  } catch (error) {
    if (error instanceof PkiError) throw refused(`${error.code}, ${error.message}`, error);
    throw error;
  }
}

function namesFault(
  { dnsSans, uriSans, ipSans, mailSans, otherSans }: Certificate,
  names: readonly string[],
): string | null {
  const expected = [...names].sort().join(', ');
  const found = [...dnsSans].sort().join(', ');
  if (found !== expected) return `it is for ${found}, enrolled are ${expected}`;
  return uriSans.length + ipSans.length + mailSans.length > 0 || otherSans ? 'it carries further names' : null;
}

function refused(reason: string, cause?: unknown): UpstreamError {
  return new UpstreamError('leaf-refused', `the serving certificate is refused: ${reason}`, { cause });
}

import { equal, toHex } from '../../../pki/src/bytes.ts';
import { type Certificate, parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { verifyChain } from '../../../pki/src/chain/verify.ts';
import type { SyncCryptoPort } from '../../../pki/src/crypto/port.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import { assembleReply } from '../../../pki/src/reply.ts';
import type { Bundle, KnownIntermediate } from '../trust/bundle.ts';
import { servedChain } from '../trust/served_chain.ts';
import { UpstreamError } from './errors.ts';

export interface LeafClaim {
  /** DER, as the CA answered it */
  readonly der: Uint8Array;
  readonly issuer: KnownIntermediate;
  /** SubjectPublicKeyInfo of the CSR. */
  readonly spki: Uint8Array;
  readonly identity: string;
}

export interface CheckedLeaf {
  /** PEM elements of the reply. */
  readonly chain: readonly string[];
  /** hex */
  readonly serial: string;
  /** ms since 1970 */
  readonly notAfter: number;
}

/**
 * Holds what the CA issued against what was asked for, and makes the reply of it. The signature is verified here, on the
 * main thread and synchronously: workers and callbacks cost more than they bring.
 *
 * @throws UpstreamError `leaf-refused`: such a certificate is trouble of ours and never handed out
 */
export function checkLeaf(
  crypto: SyncCryptoPort,
  bundle: Bundle,
  { der, issuer, spki, identity }: LeafClaim,
  now: number,
): CheckedLeaf {
  try {
    const leaf = parseCertificate(der);
    if (!equal(leaf.spki, spki)) throw refused('its key is not that of the CSR');
    const fault = namesFault(leaf, identity) ?? issuerFault(leaf, issuer);
    if (fault !== null) throw refused(fault);
    const found = verifyChain({
      crypto,
      leaf,
      intermediates: [issuer.certificate, ...bundle.crosses],
      roots: bundle.roots,
      now,
      purpose: 'both',
      memo: bundle.memo,
    });
    if (!found.ok) throw refused(`${found.code}, ${found.reason}`);
    if (found.path[1] !== issuer.certificate) throw refused('it is signed by another intermediate than the one named');
    const chain = assembleReply({ leaf: der, ...servedChain(bundle, issuer), roots: rootsOf(bundle) });
    return { chain, serial: toHex(leaf.serial), notAfter: leaf.notAfter };
  } catch (error) {
    if (error instanceof PkiError) throw refused(`${error.code}, ${error.message}`, error);
    throw error;
  }
}

/** Exactly the identity: one URI, and no name of any other kind, the subject included. */
function namesFault(leaf: Certificate, identity: string): string | null {
  const { uriSans, dnsSans, ipSans, mailSans, otherSans, subject } = leaf;
  if (uriSans.length !== 1 || uriSans[0] !== identity) return `it is for ${uriSans.join(' ')}, expected ${identity}`;
  if (dnsSans.length + ipSans.length + mailSans.length > 0 || otherSans) return 'it carries further names';
  return subject.length === 2 ? null : 'it has a subject';
}

function issuerFault(leaf: Certificate, { purpose, certificate }: KnownIntermediate): string | null {
  if (purpose !== 'svid') return 'its issuer is not one for workloads';
  return leaf.notAfter <= certificate.notAfter ? null : 'it outlives its issuer';
}

const roots = new WeakMap<Bundle, readonly Uint8Array[]>();

/** The same arrays each time, by which their PEM is kept. */
function rootsOf(bundle: Bundle): readonly Uint8Array[] {
  let ders = roots.get(bundle);
  if (ders === undefined) roots.set(bundle, (ders = bundle.roots.map(({ der }) => der)));
  return ders;
}

function refused(reason: string, cause?: unknown): UpstreamError {
  return new UpstreamError('leaf-refused', `the CA issued a certificate that is refused: ${reason}`, { cause });
}

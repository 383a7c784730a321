import { equal } from '../../../pki/src/bytes.ts';
import type { Certificate } from '../../../pki/src/certificate/parse.ts';
import type { SyncCryptoPort } from '../../../pki/src/crypto/port.ts';
import { KEY_USAGE } from '../../../pki/src/profiles.ts';
import { type Bundle, fingerprint } from './bundle.ts';
import { TrustError } from './errors.ts';

/** What vouches for roots: those of the bundle we have, or the operator's pins while we have none. */
export type Vouchers =
  | { readonly kind: 'bundle'; readonly roots: readonly Certificate[] }
  | { readonly kind: 'pins'; readonly pins: ReadonlySet<string> };

/** A name with its key: what a certificate is issued by. */
type Authority = Pick<Certificate, 'subject' | 'spki'>;

/**
 * Accepts the roots of a bundle, all of them or none: each is one that vouches, or is certified by one over
 * cross-certificates of the same document. The voucher itself need not be in it any more, so an agent that slept through
 * a rotation can follow as long as the cross-certificates are kept.
 *
 * @throws TrustError `root-unfit`, `root-not-accepted`
 */
export function acceptRoots(crypto: SyncCryptoPort, { roots, crosses }: Bundle, vouchers: Vouchers, now: number): void {
  for (const root of roots) {
    const fault = rootFault(crypto, root, now);
    if (fault !== null) throw new TrustError('root-unfit', `the root ${fingerprint(root)} ${fault}`);
  }
  const vouches = (root: Certificate): boolean =>
    vouchers.kind === 'pins'
      ? vouchers.pins.has(fingerprint(root))
      : vouchers.roots.some((accepted) => equal(accepted.der, root.der));
  const first: Authority[] = vouchers.kind === 'bundle' ? [...vouchers.roots] : roots.filter(vouches);
  const trusted = reach(crypto, crosses, first, now);
  for (const root of roots) {
    if (vouches(root) || trusted.some((authority) => same(authority, root))) continue;
    const missing = vouchers.kind === 'pins' ? 'is not pinned' : 'is not of the bundle we have';
    throw new TrustError(
      'root-not-accepted',
      `the root ${fingerprint(root)} ${missing}, and no accepted root certifies it`,
    );
  }
}

/** Everything that `authorities` certify over any number of cross-certificates. Each one serves once, so it ends. */
function reach(
  crypto: SyncCryptoPort,
  crosses: readonly Certificate[],
  authorities: Authority[],
  now: number,
): readonly Authority[] {
  const trusted = [...authorities];
  const unused = new Set(crosses.filter((cross) => crossFault(cross, now) === null));
  for (let at = 0; at < trusted.length; at++) {
    const issuer = trusted[at];
    if (issuer === undefined) break;
    for (const cross of unused) {
      if (!equal(cross.issuer, issuer.subject)) continue;
      if (!crypto.verify(cross.signatureAlgorithm, issuer.spki, cross.tbs, cross.signature)) continue;
      unused.delete(cross);
      trusted.push(cross);
    }
  }
  return trusted;
}

function same(a: Authority, b: Authority): boolean {
  return equal(a.subject, b.subject) && equal(a.spki, b.spki);
}

function crossFault(cross: Certificate, now: number): string | null {
  return authorityFault(cross) ?? validityFault(cross, now);
}

function rootFault(crypto: SyncCryptoPort, root: Certificate, now: number): string | null {
  const fault = authorityFault(root) ?? validityFault(root, now);
  if (fault !== null) return fault;
  const selfSigned =
    equal(root.issuer, root.subject) && crypto.verify(root.signatureAlgorithm, root.spki, root.tbs, root.signature);
  return selfSigned ? null : 'does not sign itself';
}

function authorityFault({ basicConstraints, keyUsage, unknownCritical }: Certificate): string | null {
  if (basicConstraints?.ca !== true) return 'is no CA by its basicConstraints';
  if (keyUsage === null || (keyUsage & KEY_USAGE.keyCertSign) === 0) return 'may not sign certificates';
  return unknownCritical.length === 0 ? null : 'has a critical extension that we do not know';
}

function validityFault({ notBefore, notAfter }: Certificate, now: number): string | null {
  if (now > notAfter) return 'has expired';
  return now < notBefore ? 'is not valid yet' : null;
}

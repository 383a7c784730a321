import type { SyncCryptoPort } from '../../../pki/src/crypto/port.ts';
import type { Bundle } from './bundle.ts';
import { fingerprint } from './bundle.ts';
import { TrustError } from './errors.ts';
import { acceptRoots } from './roots.ts';

export interface Acceptance {
  readonly crypto: SyncCryptoPort;
  readonly trustDomain: string;
  readonly cluster: string;
  /** Lower-case hex SHA-256 of roots; they count only without `held`. */
  readonly pins: ReadonlySet<string>;
  /** The bundle we have, or null before the first. */
  readonly held: Bundle | null;
  /** ms since 1970 */
  readonly now: number;
}

/**
 * Judges a bundle by everything but the signature of the answer it came in: for whom it is, that it takes nothing back,
 * and that every root in it is vouched for.
 *
 * @throws TrustError
 */
export function acceptBundle(bundle: Bundle, { crypto, trustDomain, cluster, pins, held, now }: Acceptance): void {
  const { document } = bundle;
  if (document.trustDomain !== trustDomain || document.cluster !== cluster) {
    throw new TrustError('trust-foreign', `it is for ${document.cluster} of ${document.trustDomain}`);
  }
  if (held !== null) neverLower(bundle, held);
  acceptRoots(crypto, bundle, held === null ? { kind: 'pins', pins } : { kind: 'bundle', roots: held.roots }, now);
}

/** Versions only grow, so that a copy of yesterday, or a CA restored from one, brings no root back. */
function neverLower({ document, roots }: Bundle, held: Bundle): void {
  const { bundleVersion, epoch } = held.document;
  if (document.bundleVersion < bundleVersion) {
    throw new TrustError('bundle-version-lower', `bundle version ${document.bundleVersion}, we have ${bundleVersion}`);
  }
  if (document.epoch < epoch) throw new TrustError('epoch-lower', `epoch ${document.epoch}, we have ${epoch}`);
  if (document.bundleVersion === bundleVersion && namesOf(roots) !== namesOf(held.roots)) {
    throw new TrustError('bundle-changed', `bundle version ${bundleVersion} with other roots than before`);
  }
}

/** The set, whatever its order: which root is active may change within a version. */
function namesOf(roots: Bundle['roots']): string {
  return roots.map(fingerprint).sort().join();
}

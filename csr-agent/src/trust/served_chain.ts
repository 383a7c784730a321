import { equal } from '../../../pki/src/bytes.ts';
import type { Certificate } from '../../../pki/src/certificate/parse.ts';
import { MAX_INTERMEDIATES } from '../../../pki/src/chain/verify.ts';
import type { Bundle, KnownIntermediate } from './bundle.ts';

/** What stands between a leaf and the roots in what we hand out. */
export interface ServedChain {
  readonly intermediates: readonly Uint8Array[];
  /** For peers that know only an older root; empty outside a rotation. */
  readonly crosses: readonly Uint8Array[];
}

const chains = new WeakMap<KnownIntermediate, ServedChain>();

/**
 * The intermediate and the cross-certificates that lead from its root to other roots of the bundle. Those of roots that
 * are gone from it are kept in the document for agents that slept, and are nothing for peers.
 */
export function servedChain(bundle: Bundle, intermediate: KnownIntermediate): ServedChain {
  const known = chains.get(intermediate);
  if (known !== undefined) return known;
  const found: Certificate[] = [];
  const names: Uint8Array[] = [intermediate.certificate.issuer];
  for (const name of names) {
    for (const cross of bundle.crosses) {
      if (found.length >= MAX_INTERMEDIATES - 1 || found.includes(cross) || !equal(cross.subject, name)) continue;
      if (!bundle.roots.some((root) => equal(root.subject, cross.issuer))) continue;
      found.push(cross);
      names.push(cross.issuer);
    }
  }
  const chain = { intermediates: [intermediate.certificate.der], crosses: found.map(({ der }) => der) };
  chains.set(intermediate, chain);
  return chain;
}

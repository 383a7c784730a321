import { issuerTemplate, lintLeaf, prepareLeaf, signLeaf } from '../../../pki/src/leaf/prepare.ts';
import { leafValidity, type Validity } from '../../../pki/src/lifetimes.ts';
import type { PkiErrorCode } from '../../../pki/src/errors.ts';
import type { LeafProfileName } from '../../../pki/src/profiles.ts';
import { parsePublicKey } from '../../../pki/src/public_key.ts';
import { type generateNodeKey, nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { randomSerial } from '../../../pki/src/leaf/build.ts';
import type { Authority } from '../../pki/authority.ts';

/** What a certificate is good for: TLS of both sides, of one, nothing at all; `ca` for a CA certificate whose path holds. */
export type Verdict = 'both' | 'server' | 'client' | 'none' | 'ca';

export type LeafKey = ReturnType<typeof generateNodeKey>;

export const JUDGES = ['ours', 'openssl', 'node', 'go', 'istio'] as const;
export type Judge = (typeof JUDGES)[number];

/** What a judge says instead of what the corpus expects, and why the corpus stands. */
export interface Difference {
  readonly verdict: Verdict;
  readonly reason: string;
}

export interface Member {
  /** A claim: what the certificate is. */
  readonly name: string;
  /** DER. */
  readonly leaf: Uint8Array;
  /** Of the leaf; null for a CA certificate, which is judged by its path alone. */
  readonly key: LeafKey | null;
  readonly intermediates: readonly Uint8Array[];
  readonly roots: readonly Uint8Array[];
  /** Judged as of then, ms since 1970; null is the present, the only time that some judges know. */
  readonly time: number | null;
  readonly expected: Verdict;
  /** Why our own verifier refuses it, so that no row is refused for another reason than its name says. */
  readonly fault?: PkiErrorCode;
  readonly differs?: Partial<Record<Judge, Difference>>;
}

export const IDENTITY = 'spiffe://cluster.local/ns/default/sa/a';
/** The present, in whole seconds as certificates count. */
export const NOW = Math.floor(Date.now() / 1000) * 1000;
export const SECOND = 1000;
export const DAY = 86_400 * SECOND;

export interface LeafOptions extends Partial<Validity> {
  readonly profile?: LeafProfileName;
  readonly uri?: string;
  readonly dnsNames?: readonly string[];
  /** Made at, ms since 1970. */
  readonly at?: number;
  readonly ttlSeconds?: number;
}

const random = (length: number): Uint8Array => nodeCrypto().random(length);

/** A leaf as the product makes it at `at`: prepared, linted, signed. An SVID of `IDENTITY` unless DNS names are given. */
export function issue(issuer: Authority, key: LeafKey, options: LeafOptions = {}): Uint8Array {
  const { dnsNames, at = NOW, ttlSeconds = 86_400 } = options;
  const template = issuerTemplate(issuer.certificate);
  const life = leafValidity({ now: at, ttlSeconds, lifeSeconds: ttlSeconds, issuer: template });
  const prepared = prepareLeaf({
    ...(dnsNames === undefined
      ? { profile: 'svid', uri: options.uri ?? IDENTITY }
      : { profile: options.profile ?? 'serving', dnsNames }),
    spki: key.spki,
    publicKey: parsePublicKey(key.spki),
    serial: randomSerial(random),
    issuer: template,
    notBefore: options.notBefore ?? life.notBefore,
    notAfter: options.notAfter ?? life.notAfter,
  });
  return signLeaf(lintLeaf(prepared, at), issuer.signer);
}

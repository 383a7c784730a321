import { authorityProfile, type AuthorityProfileName } from './profiles.ts';

/** A validity period in milliseconds since 1970, always whole seconds: X.509 knows no fractions (RFC 5280 §4.1.2.5). */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The longest back-date of a leaf, in seconds: the clock skew that a peer may have without noticing. */
const MAX_LEAF_BACKDATE_SECONDS = 300;

/** The least part of the TTL that is drawn; ztunnel renews at the exact midpoint, so the CA must spread the herd. */
const SHORTEST_DRAW = 0.9;

/** Seconds a leaf of this TTL is back-dated: at most a tenth, so that the midpoint stays well ahead of now. */
export function leafBackdateSeconds(ttlSeconds: number): number {
  return Math.min(MAX_LEAF_BACKDATE_SECONDS, Math.floor(ttlSeconds / 10));
}

/**
 * Draws the life of one certificate: TTL × uniform[0.9, 1.0], in whole seconds.
 * `random` gives that many random octets; four are used.
 */
export function drawLifeSeconds(ttlSeconds: number, random: (length: number) => Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = random(4);
  const uniform = (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / (2 ** 32 - 1);
  return Math.floor(ttlSeconds * (SHORTEST_DRAW + (1 - SHORTEST_DRAW) * uniform));
}

/** The validity of a leaf made at `now` (ms) for a drawn life, never outside its issuer's. */
export function leafValidity(options: {
  readonly now: number;
  readonly ttlSeconds: number;
  readonly lifeSeconds: number;
  readonly issuer: Validity;
}): Validity {
  const { now, ttlSeconds, lifeSeconds, issuer } = options;
  const second = wholeSecond(now);
  return {
    notBefore: Math.max(issuer.notBefore, second - leafBackdateSeconds(ttlSeconds) * 1000),
    notAfter: Math.min(issuer.notAfter, second + lifeSeconds * 1000),
  };
}

/** The validity of a CA certificate made at `now` (ms); `until` bounds it by another certificate's end. */
export function authorityValidity(profile: AuthorityProfileName, now: number, until = Infinity): Validity {
  const { lifeSeconds, backdateSeconds } = authorityProfile(profile);
  const second = wholeSecond(now);
  const end = lifeSeconds === null ? until : Math.min(until, second + lifeSeconds * 1000);
  if (!Number.isFinite(end)) throw new RangeError(`the ${profile} profile has no life of its own, expected an end`);
  return { notBefore: second - backdateSeconds * 1000, notAfter: end };
}

/**
 * When to replace an intermediate (ms): at two thirds of its life, and no later than two of the longest leaf lives
 * before its end.
 */
export function intermediateRenewalTime(validity: Validity, maximumTtlSeconds: number): number {
  const { notBefore, notAfter } = validity;
  return Math.min(notBefore + Math.floor(((notAfter - notBefore) * 2) / 3), notAfter - 2 * maximumTtlSeconds * 1000);
}

/**
 * True when a client that renews at the midpoint of the validity would ask again at once, for ever: a certificate that
 * lies for a third or more in the past (observed with ztunnel: 12 to 48 requests a second for each identity).
 */
export function wouldLoop({ notBefore, notAfter }: Validity, now: number): boolean {
  return now - notBefore >= (notAfter - now) / 2;
}

function wholeSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

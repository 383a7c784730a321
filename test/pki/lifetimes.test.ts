import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  authorityValidity,
  drawLifeSeconds,
  intermediateRenewalTime,
  leafBackdateSeconds,
  leafValidity,
  wouldLoop,
} from '../../pki/src/lifetimes.ts';

const NOW = Date.UTC(2026, 0, 1);
const forever = { notBefore: 0, notAfter: Date.UTC(2099, 0, 1) };
const octets =
  (...values: number[]) =>
  (): Uint8Array =>
    Uint8Array.from(values);

describe('leaf lifetimes', () => {
  it('the draw lies between nine tenths of the TTL and all of it', () => {
    const draw = fc.tuple(fc.integer({ min: 1, max: 604_800 }), fc.uint8Array({ minLength: 4, maxLength: 4 }));
    fc.assert(
      fc.property(draw, ([ttl, bytes]) => {
        const life = drawLifeSeconds(ttl, () => bytes);
        expect(Number.isInteger(life)).toBe(true);
        expect(life).toBeGreaterThanOrEqual(Math.floor(ttl * 0.9));
        expect(life).toBeLessThanOrEqual(ttl);
      }),
    );
  });

  it('the draw reaches both of its ends', () => {
    expect(drawLifeSeconds(1000, octets(0, 0, 0, 0))).toBe(900);
    expect(drawLifeSeconds(1000, octets(255, 255, 255, 255))).toBe(1000);
  });

  it('a leaf is back-dated by a tenth of its TTL, and by 5 minutes at most', () => {
    expect([60, 600, 3000, 86_400].map(leafBackdateSeconds)).toEqual([6, 60, 300, 300]);
  });

  it('no drawn leaf of an issuer with room makes ztunnel loop, from one minute to a year', () => {
    const draw = fc.tuple(fc.integer({ min: 60, max: 31_536_000 }), fc.uint8Array({ minLength: 4, maxLength: 4 }));
    fc.assert(
      fc.property(draw, fc.integer({ min: 0, max: 999 }), ([ttlSeconds, bytes], ms) => {
        const lifeSeconds = drawLifeSeconds(ttlSeconds, () => bytes);
        const validity = leafValidity({ now: NOW + ms, ttlSeconds, lifeSeconds, issuer: forever });
        expect(wouldLoop(validity, NOW + ms)).toBe(false);
        expect(validity.notBefore % 1000).toBe(0);
        expect(validity.notAfter % 1000).toBe(0);
        expect(validity.notAfter).toBeLessThanOrEqual(NOW + ms + ttlSeconds * 1000);
      }),
    );
  });

  it('a leaf never leaves the validity of its issuer', () => {
    const issuer = { notBefore: NOW - 10_000, notAfter: NOW + 60_000 };
    const validity = leafValidity({ now: NOW, ttlSeconds: 86_400, lifeSeconds: 86_400, issuer });
    expect(validity).toEqual(issuer);
  });

  it('a loop begins where the back-date is half of what remains', () => {
    expect(wouldLoop({ notBefore: NOW - 30_000, notAfter: NOW + 60_000 }, NOW)).toBe(true);
    expect(wouldLoop({ notBefore: NOW - 29_000, notAfter: NOW + 60_000 }, NOW)).toBe(false);
  });
});

describe('authority lifetimes', () => {
  it('a root lives ten years and an intermediate ninety days, back-dated by an hour', () => {
    expect(authorityValidity('root', NOW + 999)).toEqual({
      notBefore: NOW - 3_600_000,
      notAfter: Date.UTC(2036, 0, 1),
    });
    expect(authorityValidity('svid', NOW).notAfter).toBe(NOW + 90 * 86_400_000);
  });

  it('an intermediate ends no later than its root', () => {
    expect(authorityValidity('svid', NOW, NOW + 1000).notAfter).toBe(NOW + 1000);
  });

  it('a cross-certificate has no life without an end', () => {
    expect(() => authorityValidity('cross', NOW)).toThrow(RangeError);
    expect(authorityValidity('cross', NOW, NOW + 5000).notAfter).toBe(NOW + 5000);
  });

  it('an intermediate is renewed at two thirds of its life', () => {
    expect(intermediateRenewalTime({ notBefore: 0, notAfter: 90_000_000 }, 60)).toBe(60_000_000);
  });

  it('an intermediate is renewed two of the longest leaf lives before its end', () => {
    expect(intermediateRenewalTime({ notBefore: 0, notAfter: 90_000_000 }, 40_000)).toBe(10_000_000);
  });
});

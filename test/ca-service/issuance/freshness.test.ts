import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Freshness } from '../../../ca-service/src/issuance/freshness.ts';

const NOW = 1_795_564_800_000;
const fresh = (): Freshness => new Freshness(Uint8Array.of(1, 2, 3, 4, 5, 6), NOW);

describe('freshness', () => {
  it('has a boot id of eight base64url characters', () => {
    expect(fresh().boot).toBe('AQIDBAUG');
  });

  it('never accepts a nonce twice within the time it could be sent again', () => {
    const times = fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(times, fc.integer({ min: -120, max: 720 }), (seconds, created) => {
        const freshness = fresh();
        const accepted = seconds
          .toSorted((a, b) => a - b)
          .filter((s) => freshness.accept('AQIDBAUG.nonce', NOW / 1000 + created, NOW + s * 1000));
        expect(accepted.length).toBeLessThanOrEqual(1);
        const expected = seconds.some((s) => Math.abs(s - created) <= 120);
        expect(accepted.length === 1).toBe(expected);
      }),
    );
  });

  it('forgets what can no longer be sent, so memory is bounded by the rate', () => {
    const freshness = fresh();
    expect(freshness.accept('AQIDBAUG.a', NOW / 1000, NOW)).toBe(true);
    for (let minute = 0; minute <= 20; minute += 4) {
      freshness.accept(`AQIDBAUG.${minute}`, NOW / 1000 + minute * 60, NOW + minute * 60_000);
    }
    // The window, not the memory, is what refuses it now.
    expect(freshness.accept('AQIDBAUG.a', NOW / 1000, NOW + 20 * 60_000)).toBe(false);
    expect(freshness.accept('AQIDBAUG.a', NOW / 1000 + 20 * 60, NOW + 20 * 60_000)).toBe(true);
  });

  it.each(['BQIDBAUG.n', 'none.n', '', 'AQIDBAUG'])('does not accept the nonce %j of another boot', (nonce) => {
    expect(fresh().accept(nonce, NOW / 1000, NOW)).toBe(false);
  });
});

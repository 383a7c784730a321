import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy, evaluate } from '../../policies/src/index.ts';
import { caseFacts, policyCases } from './cases.ts';

describe('evaluate', () => {
  it.each(policyCases)('$claim', ({ policy, facts, expect: expected }) => {
    const outcome = evaluate({ ...defaultPolicy, ...policy }, { ...caseFacts, ...facts });
    expect(outcome).toMatchObject(expected);
    if (outcome.outcome === 'refuse') {
      expect(outcome.reason).not.toBe('');
      expect(outcome.command).toMatch(/^ambient-ca /);
    }
  });

  it('whatever is asked, an allowed TTL lies within the limits of the cluster', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.integer({ min: 1, max: 86_400 }), (asked, ceiling) => {
        const outcome = evaluate(
          {
            ...defaultPolicy,
            rules: [{ description: 'all', match: { namespace: '*', serviceAccount: '*' }, maximumTtlSeconds: ceiling }],
          },
          { ...caseFacts, requestedTtlSeconds: asked },
        );
        expect(outcome.outcome).toBe('allow');
        if (outcome.outcome !== 'allow') return;
        expect(outcome.ttlSeconds).toBeGreaterThanOrEqual(caseFacts.ttl.floor);
        expect(outcome.ttlSeconds).toBeLessThanOrEqual(caseFacts.ttl.maximum);
      }),
    );
  });
});

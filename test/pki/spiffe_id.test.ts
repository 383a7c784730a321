import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PkiError } from '../../pki/src/errors.ts';
import { formatIdentity, parseIdentity, parseSpiffeId } from '../../pki/src/spiffe_id.ts';

describe('parseIdentity', () => {
  it('reads the longest names Kubernetes has', () => {
    const text = `spiffe://td/ns/${'n'.repeat(63)}/sa/${`${'s'.repeat(50)}.`.repeat(4)}${'s'.repeat(49)}`;
    expect(formatIdentity(parseIdentity(text))).toBe(text);
  });

  it('reads what it writes', () => {
    const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z0-9._-]{1,40}$/),
        name,
        fc.array(name, { minLength: 1, maxLength: 4 }),
        (trustDomain, namespace, labels) => {
          const identity = { trustDomain, namespace, serviceAccount: labels.join('.') };
          expect(parseIdentity(formatIdentity(identity))).toEqual(identity);
        },
      ),
    );
  });

  it('reads no two texts as the same identity', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (tail) => {
        const text = `spiffe://cluster.local/ns/${tail}`;
        let again = text;
        try {
          again = formatIdentity(parseIdentity(text));
        } catch (error) {
          if (!(error instanceof PkiError)) throw error;
        }
        expect(again).toBe(text);
      }),
    );
  });
});

describe('parseSpiffeId', () => {
  it('takes paths that Istio does not use', () => {
    expect(parseSpiffeId('spiffe://example.org/A_b.c/9')).toEqual({ trustDomain: 'example.org', path: '/A_b.c/9' });
    expect(parseSpiffeId('spiffe://example.org')).toEqual({ trustDomain: 'example.org', path: '' });
  });
});

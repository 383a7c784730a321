import { describe, expect, it } from 'vitest';
import { defaultPolicy, parsePolicy } from '../../policies/src/index.ts';

const refusals: [claim: string, document: unknown, path: string][] = [
  ['a newer version', { ...defaultPolicy, version: 2 }, 'version'],
  ['an unknown field', { ...defaultPolicy, extra: 1 }, 'policy'],
  ['a key type nobody can use', { ...defaultPolicy, keyTypes: ['ed25519'] }, 'keyTypes.0'],
  ['an RSA minimum that no verifier accepts', { ...defaultPolicy, minimumRsaBits: 1024 }, 'minimumRsaBits'],
  [
    'a rate of zero',
    { ...defaultPolicy, limits: { ...defaultPolicy.limits, caller: { rate: 0, burst: 1 } } },
    'limits.caller.rate',
  ],
  [
    'a glob in a namespace',
    { ...defaultPolicy, rules: [{ description: 'x', match: { namespace: 'team-*', serviceAccount: '*' } }] },
    'rules.0.match.namespace',
  ],
  [
    'a rule without a description',
    { ...defaultPolicy, rules: [{ match: { namespace: '*', serviceAccount: '*' } }] },
    'rules.0.description',
  ],
  ['something that is no document', 'allow everything', 'policy'],
];

describe('parsePolicy', () => {
  it('accepts the default policy', () => {
    expect(parsePolicy(structuredClone(defaultPolicy))).toEqual({ ok: true, policy: defaultPolicy });
  });

  it.each(refusals)('refuses %s and names the place', (_claim, document, path) => {
    const parsed = parsePolicy(document);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.faults.some((fault) => fault.startsWith(`${path}:`))).toBe(true);
  });

  it('reports every fault at once', () => {
    const parsed = parsePolicy({ ...defaultPolicy, version: 3, minimumRsaBits: 1, keyTypes: [] });
    expect(parsed.ok ? [] : parsed.faults).toHaveLength(3);
  });
});

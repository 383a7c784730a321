import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../ca-service/src/config.ts';

const production = { CA_URL: 'https://ca.example.com', ENVIRONMENT: 'production' };

describe('the settings of a deployment', () => {
  it('of production need no bootstrap token: it is taken away after the first start', () => {
    expect(parseConfig(production)).toEqual({ ok: true, config: { caUrl: production.CA_URL, bootstrapToken: null } });
  });

  it('that workerd gives as null are not set', () => {
    const unset = { ...production, BOOTSTRAP_TOKEN: null as unknown as undefined };
    expect(parseConfig(unset)).toEqual({ ok: true, config: { caUrl: production.CA_URL, bootstrapToken: null } });
  });

  it('of dev have a URL of their own', () => {
    expect(parseConfig({ ENVIRONMENT: 'dev' })).toMatchObject({ ok: true, config: { caUrl: 'http://127.0.0.1:8787' } });
  });

  it.each([
    ['no environment, even with everything else', { CA_URL: production.CA_URL }, 'ENVIRONMENT'],
    ['an environment that is not known', { ...production, ENVIRONMENT: 'staging' }, 'ENVIRONMENT'],
    ['no URL in production', { ENVIRONMENT: 'production' }, 'CA_URL: missing'],
    ['plain HTTP in production', { ...production, CA_URL: 'http://127.0.0.1:8787' }, 'https'],
    ['plain HTTP to another machine in dev', { ENVIRONMENT: 'dev', CA_URL: 'http://10.0.0.1' }, 'https'],
    ['a trailing slash', { ...production, CA_URL: 'https://ca.example.com/' }, 'trailing slash'],
    ['a path', { ...production, CA_URL: 'https://ca.example.com/ca' }, 'origin'],
    ['a default port', { ...production, CA_URL: 'https://ca.example.com:443' }, 'origin'],
    ['upper case', { ...production, CA_URL: 'https://CA.example.com' }, 'origin'],
    ['a user', { ...production, CA_URL: 'https://user@ca.example.com' }, 'origin'],
    ['what is no URL', { ...production, CA_URL: 'ca.example.com' }, 'CA_URL'],
    ['a short bootstrap token', { ...production, BOOTSTRAP_TOKEN: 'changeme' }, 'BOOTSTRAP_TOKEN'],
    ['an empty bootstrap token', { ...production, BOOTSTRAP_TOKEN: '' }, 'BOOTSTRAP_TOKEN'],
  ])('with %s are refused', (_, raw, fault) => {
    const result = parseConfig(raw);
    expect(result.ok).toBe(false);
    expect(result.ok ? [] : result.faults).toEqual([expect.stringContaining(fault)]);
  });

  it('have every fault told at once', () => {
    const result = parseConfig({ BOOTSTRAP_TOKEN: 'x' });
    expect(result.ok ? [] : result.faults).toHaveLength(3);
  });
});

import { describe, expect, it } from 'vitest';
import { canonicalPath } from '../../../ca-service/src/http/path.ts';

describe('a path', () => {
  it.each([
    ['https://ca/', '/'],
    ['https://ca', '/'],
    ['https://ca/healthz', '/healthz'],
    ['https://ca/v1/audit?limit=1', '/v1/audit'],
    ['https://ca/v1/trust-domains/a_b.c~d/bundle.pem', '/v1/trust-domains/a_b.c~d/bundle.pem'],
    ['https://ca/v1/..a/b..', '/v1/..a/b..'],
  ])('of %s is %s', (url, path) => {
    expect(canonicalPath(url)).toBe(path);
  });

  it.each([
    '//v1/tokens',
    '/v1//tokens',
    '/v1/tokens/',
    '/v1/../v1/tokens',
    '/v1/./tokens',
    '/..',
    '/v1/%2e%2e/tokens',
    '/v1/%74okens',
    '/v1\\tokens',
    '/v1/tokens;a=1',
    '/v1/to kens',
    '/v1/tökens',
    '/v1/tokens%00',
    `/${'a'.repeat(254)}`,
    '/a'.repeat(1_100),
  ])('%s is refused', (path) => {
    expect(() => canonicalPath(`https://ca${path}`)).toThrow(expect.objectContaining({ code: 'path-not-canonical' }));
  });
});

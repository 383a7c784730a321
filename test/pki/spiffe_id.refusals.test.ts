import { describe, expect, it } from 'vitest';
import type { PkiError } from '../../pki/src/errors.ts';
import { parseIdentity } from '../../pki/src/spiffe_id.ts';

const refusals: [claim: string, text: string, code: string][] = [
  ['an empty text', '', 'spiffe-scheme'],
  ['another scheme', 'https://cluster.local/ns/a/sa/b', 'spiffe-scheme'],
  ['an upper-case scheme', 'SPIFFE://cluster.local/ns/a/sa/b', 'spiffe-scheme'],
  ['one slash after the scheme', 'spiffe:/cluster.local/ns/a/sa/b', 'spiffe-scheme'],
  ['an empty trust domain', 'spiffe:///ns/a/sa/b', 'spiffe-trust-domain'],
  ['an upper-case trust domain', 'spiffe://Cluster.local/ns/a/sa/b', 'spiffe-trust-domain'],
  ['a port', 'spiffe://cluster.local:80/ns/a/sa/b', 'spiffe-trust-domain'],
  ['a user', 'spiffe://me@cluster.local/ns/a/sa/b', 'spiffe-trust-domain'],
  ['a trust domain of 256 characters', `spiffe://${'a'.repeat(256)}/ns/a/sa/b`, 'spiffe-trust-domain'],
  ['a query', 'spiffe://cluster.local/ns/a/sa/b?x=1', 'spiffe-path'],
  ['a fragment', 'spiffe://cluster.local/ns/a/sa/b#x', 'spiffe-path'],
  ['percent-encoding', 'spiffe://cluster.local/ns/a/sa/%62', 'spiffe-path'],
  ['a trailing slash', 'spiffe://cluster.local/ns/a/sa/b/', 'spiffe-path'],
  ['an empty segment', 'spiffe://cluster.local/ns//sa/b', 'spiffe-path'],
  ['a dot segment', 'spiffe://cluster.local/ns/./sa/b', 'spiffe-path'],
  ['a dot-dot segment', 'spiffe://cluster.local/ns/../sa/b', 'spiffe-path'],
  ['a wildcard', 'spiffe://cluster.local/ns/*/sa/b', 'spiffe-path'],
  ['a plus', 'spiffe://cluster.local/ns/a+b/sa/b', 'spiffe-path'],
  ['a comma', 'spiffe://cluster.local/ns/a,b/sa/b', 'spiffe-path'],
  ['a backslash', 'spiffe://cluster.local/ns\\a/sa/b', 'spiffe-path'],
  ['a NUL', 'spiffe://cluster.local/ns/a/sa/b\0', 'spiffe-path'],
  ['a newline', 'spiffe://cluster.local/ns/a/sa/b\n', 'spiffe-path'],
  ['a letter that is not ASCII', 'spiffe://cluster.local/ns/ä/sa/b', 'spiffe-path'],
  ['2 049 characters', `spiffe://cluster.local/${'a'.repeat(2049 - 23)}`, 'spiffe-size'],
  ['no namespace', 'spiffe://cluster.local/sa/b', 'spiffe-identity'],
  ['a fifth segment', 'spiffe://cluster.local/ns/a/sa/b/c', 'spiffe-identity'],
  ['other words', 'spiffe://cluster.local/namespace/a/sa/b', 'spiffe-identity'],
  ['an upper-case namespace', 'spiffe://cluster.local/ns/A/sa/b', 'spiffe-identity'],
  ['a namespace with a dot', 'spiffe://cluster.local/ns/a.b/sa/b', 'spiffe-identity'],
  ['a namespace of 64 characters', `spiffe://cluster.local/ns/${'a'.repeat(64)}/sa/b`, 'spiffe-identity'],
  ['a service account that ends in a dash', 'spiffe://cluster.local/ns/a/sa/b-', 'spiffe-identity'],
  ['a service account with an underscore', 'spiffe://cluster.local/ns/a/sa/b_c', 'spiffe-identity'],
  ['a service account of 254 characters', `spiffe://cluster.local/ns/a/sa/${'a.'.repeat(127)}`, 'spiffe-identity'],
  ['a bare trust domain', 'spiffe://cluster.local', 'spiffe-identity'],
];

describe('parseIdentity', () => {
  it.each(refusals)('refuses %s', (_claim, text, code) => {
    expect(() => parseIdentity(text)).toThrow(expect.objectContaining({ code }) as PkiError);
  });
});

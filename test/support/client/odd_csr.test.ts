import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { opensslVersion } from '../verify/openssl.ts';
import { ODD_CSRS } from './odd_csr.ts';

const ID = 'spiffe://cluster.local/ns/default/sa/a';
/** What OpenSSL cannot read or verify either; all others are wrong in nothing but what their name says. */
const BROKEN = new Set(['no PEM', 'empty text', 'PEM of another label', 'cut short', 'signature by another key']);

describe.skipIf(opensslVersion() === undefined)('a CSR that must be refused', () => {
  test.each(Object.entries(ODD_CSRS))('%s: OpenSSL verifies its signature, unless that is the point', (name, make) => {
    const run = spawnSync('openssl', ['req', '-noout', '-verify'], { input: make(ID), encoding: 'utf8' });
    expect(run.stderr.includes('verify OK') || run.stdout.includes('verify OK')).toBe(!BROKEN.has(name));
  });
});

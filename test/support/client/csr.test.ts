import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { opensslVersion } from '../verify/openssl.ts';
import { pilotAgentCsr, ztunnelCsr } from './csr.ts';

const ID = 'spiffe://cluster.local/ns/default/sa/a';
const openssl = (pem: string): string =>
  spawnSync('openssl', ['req', '-noout', '-verify', '-text'], { input: pem, encoding: 'utf8' }).stdout;

describe.skipIf(opensslVersion() === undefined)('a CSR as OpenSSL reads it', () => {
  test('that of ztunnel has an empty subject, P-256, and a critical SAN with one URI', () => {
    const text = openssl(ztunnelCsr(ID).pem);
    expect(text).toMatch(/Subject: ?\n/);
    expect(text).toContain('ASN1 OID: prime256v1');
    expect(text).toContain('Signature Algorithm: ecdsa-with-SHA256');
    expect(text).toMatch(new RegExp(`X509v3 Subject Alternative Name: critical\\n\\s+URI:${ID}\\n`));
    expect(text.match(/X509v3 /g)).toHaveLength(1);
  });

  test.each([
    ['rsa-2048', 'Public-Key: (2048 bit)', 'sha256WithRSAEncryption'],
    ['ec-p256', 'ASN1 OID: prime256v1', 'ecdsa-with-SHA256'],
    ['ec-p384', 'ASN1 OID: secp384r1', 'ecdsa-with-SHA384'],
  ] as const)('that of pilot-agent with %s has O="" as its only RDN', (key, shown, algorithm) => {
    const text = openssl(pilotAgentCsr(ID, key).pem);
    expect(text).toMatch(/Subject: O ?= ?\n/);
    expect(text).toContain(shown);
    expect(text).toContain(`Signature Algorithm: ${algorithm}`);
    expect(text).toContain('X509v3 Subject Alternative Name: critical');
  });
});

test('each fetch has a key of its own', () => {
  expect(ztunnelCsr(ID).spki).not.toEqual(ztunnelCsr(ID).spki);
});

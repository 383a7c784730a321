import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../../pki/src/crypto/node.ts';
import { parseCsr } from '../../pki/src/csr/parse.ts';
import { verifyPossession } from '../../pki/src/csr/possession.ts';
import type { PkiError } from '../../pki/src/errors.ts';
import { decodePem } from '../../pki/src/pem.ts';
import { refusals } from '../pki/csr/refused.ts';

const folder = (kind: string): string => join(import.meta.dirname, 'csr', kind);
const files = (kind: string): string[] => readdirSync(folder(kind));
const parse = (pem: string) => parseCsr(decodePem(pem, 'CERTIFICATE REQUEST')[0] ?? new Uint8Array());
const good = ['captured', 'accepted'].flatMap((kind) => files(kind).map((file) => [kind, file] as const));
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe('CSR vectors', () => {
  it.each(good)('accepted: %s/%s', (kind, file) => {
    const csr = parse(readFileSync(join(folder(kind), file), 'utf8'));
    expect(csr.requestedIdentity).toBe('spiffe://cluster.local/ns/bookinfo/sa/productpage');
    expect(verifyPossession(nodeCrypto(), csr)).toBe(true);
  });

  it.skipIf(!hasOpenssl).each(good)('OpenSSL reads the same in %s/%s', (kind, file) => {
    const text = execFileSync('openssl', ['req', '-verify', '-noout', '-text', '-in', join(folder(kind), file)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(text).toContain('URI:spiffe://cluster.local/ns/bookinfo/sa/productpage');
  });

  it.each(files('refused'))('refused: %s', (file) => {
    const [first = '', ...pem] = readFileSync(join(folder('refused'), file), 'utf8').split('\n');
    const code = first.slice(first.lastIndexOf(': ') + 2);
    expect(() => parse(pem.join('\n'))).toThrow(expect.objectContaining({ code }) as PkiError);
  });

  it('there is a file for each refusal', () => {
    expect(files('refused')).toHaveLength(refusals.length);
  });
});

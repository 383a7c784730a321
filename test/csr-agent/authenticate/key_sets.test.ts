import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK } from 'jose';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { KeySets } from '../../../csr-agent/src/authenticate/key_sets.ts';
import { toBase64Url } from '../../../pki/src/bytes.ts';
import { rocaModulus } from '../../pki/roca.ts';
import { podToken } from '../../support/token.ts';
import { ISSUER, PODS } from '../front.ts';

const pair = async (kid: string) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const issuer = { issuer: ISSUER, audience: 'istio-ca', keyPem, alg: 'ES256' };
  return { token: podToken(issuer, PODS.reviews), jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' } };
};
const rsa = (modulusLength: number): object =>
  generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' });
const [before, after] = [await pair('before'), await pair('after')];
const file = (content: unknown): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'keys-')), 'jwks.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

describe('a key set file', () => {
  it('is read again when it changes: the new key counts and the old one no more', async () => {
    const path = file({ keys: [before.jwk] });
    const events = { loaded: vi.fn<(path: string) => void>(), failed: vi.fn<(path: string) => void>() };
    const sets = new KeySets([{ issuer: null, path }], ISSUER, events);
    onTestFinished(() => sets.close());
    expect(await sets.verify(before.token)).toHaveProperty('payload');
    const { revision } = sets;

    writeFileSync(path, '{"keys": [');
    await vi.waitFor(() => expect(events.failed).toHaveBeenCalled(), 5_000);
    expect(await sets.verify(before.token)).toHaveProperty('payload');
    expect(sets.revision).toBe(revision);

    writeFileSync(path, JSON.stringify({ keys: [after.jwk] }));
    await vi.waitFor(() => expect(sets.revision).toBeGreaterThan(revision), 5_000);
    expect(await sets.verify(after.token)).toHaveProperty('payload');
    expect(await sets.verify(before.token)).toHaveProperty('fault');
  });

  it.each([
    ['no JSON', '{'],
    ['null', 'null'],
    ['no keys', { keys: [] }],
    ['a symmetric key', { keys: [{ kty: 'oct', k: 'AAAA' }] }],
    ['an RSA exponent of 1', { keys: [{ ...rsa(2048), e: 'AQ' }] }],
    ['an RSA key of 1024 bits', { keys: [rsa(1024)] }],
    ['an RSA modulus made by a faulty chip', { keys: [{ ...rsa(2048), n: toBase64Url(rocaModulus()) }] }],
    ['a point that is not on its curve', { keys: [{ ...before.jwk, y: before.jwk.x }] }],
    ['a private key', { keys: [{ ...before.jwk, d: 'AAAA' }] }],
  ])('with %s is refused at start, naming the file', (_, content) => {
    const path = file(content);
    expect(() => new KeySets([{ issuer: null, path }], ISSUER)).toThrow(path);
  });
});

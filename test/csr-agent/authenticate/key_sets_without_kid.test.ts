import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { KeySets } from '../../../csr-agent/src/authenticate/key_sets.ts';
import { signToken } from '../../support/token.ts';

const folder = mkdtempSync(join(tmpdir(), 'ambient-ca-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

const pairs = [0, 1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
const path = join(folder, 'jwks.json');
const published = pairs
  .slice(0, 2)
  .map(({ publicKey }, index) => ({ ...publicKey.export({ format: 'jwk' }), kid: `key-${index}` }));
writeFileSync(path, JSON.stringify({ keys: published }));
const sets = new KeySets([{ issuer: null, path }], 'https://issuer.example');

const token = (index: number): string => {
  const keyPem = pairs[index]!.privateKey.export({ type: 'pkcs8', format: 'pem' });
  return signToken({ keyPem, alg: 'ES256' }, { iss: 'https://issuer.example', n: index });
};

describe('a token that does not name its key', () => {
  test.each([0, 1])('verifies by key %i of two of its kind', async (index) => {
    expect(await sets.verify(token(index))).toMatchObject({ payload: { n: index } });
  });

  test('is refused when neither signed it', async () => {
    expect(await sets.verify(token(2))).toEqual({ fault: 'signature by no key of the issuer' });
  });
});

import { afterEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../../cli/src/errors.ts';
import { FakeCa } from '../fake_ca.ts';
import { run, temporaryFile } from '../run.ts';

let ca: FakeCa | undefined;
afterEach(async () => {
  await ca?.stop();
});

const PATH = '/v1/trust-domains/cluster.local/clusters/prod/keys';
const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: 'k2' };
const answer = { enforced: true, epoch: 2, issuer: 'https://k8s', before: ['old', 'both'], after: ['both', 'new'] };

async function set(jwks: object, change: object = {}, ...args: string[]) {
  ca = await FakeCa.start({
    'GET /v1/trust-domains': { json: { rows: [{ name: 'cluster.local' }] } },
    'GET /v1/trust-domains/cluster.local/clusters': { json: { rows: [{ name: 'prod' }] } },
    [`POST ${PATH}`]: { json: { ...answer, ...change } },
  });
  const files = [
    '--jwks',
    temporaryFile('jwks.json', JSON.stringify(jwks)),
    '--token-file',
    temporaryFile('token', 'ambient-ca-token\n'),
  ];
  return run(['cluster', 'keys', 'set', 'prod', '--ca', ca.url, ...files, ...args]);
}

describe('ambient-ca cluster keys set', () => {
  test('sends the public keys, and says which came and which went', async () => {
    const { code, out } = await set({ keys: [{ ...key, use: 'sig' }] }, {}, '--issuer', 'https://k8s');
    expect(code).toBe(EXIT.ok);
    expect(ca?.seen.at(-1)).toMatchObject({ path: PATH, body: { issuer: 'https://k8s', jwks: { keys: [key] } } });
    expect(out).toMatch(/added +new\n.*dropped +old\n/s);
    expect(out).toMatch(/enforced +yes/);
  });

  test('says what to look at while the signer has not acknowledged', async () => {
    const { out } = await set({ keys: [key] }, { enforced: false });
    expect(out).toContain('ambient-ca cluster show prod --trust-domain cluster.local');
  });

  test('sends nothing of a file that holds no keys', async () => {
    const { code, err } = await set({ keys: [] });
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining('holds no keys')]);
    expect(ca?.seen).toEqual([]);
  });
});

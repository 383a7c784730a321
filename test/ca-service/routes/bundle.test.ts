import { describe, expect, it } from 'vitest';
import { toBase64 } from '../../../pki/src/bytes.ts';
import { createRoot } from '../../../pki/src/authority/root.ts';
import { CA_URL, failed, fakeApp, NOW, ok } from '../support/fakes.ts';

async function root(namedCurve: 'P-256' | 'P-384'): Promise<string> {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve }, true, ['sign', 'verify']);
  const { privateKey, publicKey } = keys as CryptoKeyPair;
  const spki = new Uint8Array((await crypto.subtle.exportKey('spki', publicKey)) as ArrayBuffer);
  const notBefore = NOW - 3_600_000;
  const notAfter = notBefore + 3_650 * 86_400_000;
  return toBase64(await createRoot({ privateKey, spki, commonName: `root ${namedCurve}`, notBefore, notAfter }));
}

const roots = [await root('P-256'), await root('P-384')];
const bundle = { trustDomain: 'cluster.local', version: 1_700, roots, crossCertificates: [] };
const made = () => fakeApp({ bundle: () => ok(bundle) });
const fetchFrom = (app: ReturnType<typeof made>, name: string, headers = {}) =>
  app.app.fetch(new Request(`${CA_URL}/v1/trust-domains/cluster.local/${name}`, { headers }));

describe('the bundle of a trust domain', () => {
  it('as PEM has each root once, the active one first, each ending in a newline', async () => {
    const answer = await fetchFrom(made(), 'bundle.pem');
    const pem = new TextDecoder().decode(await answer.arrayBuffer());
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'public, max-age=60']);
    const blocks = pem.split('-----END CERTIFICATE-----\n').slice(0, -1);
    const bodies = blocks.map((block) => block.replace('-----BEGIN CERTIFICATE-----', '').replaceAll('\n', ''));
    expect(bodies).toEqual(roots);
  });

  it('as SPIFFE bundle has one key for each root, with sequence and refresh hint', async () => {
    const document = (await (await fetchFrom(made(), 'bundle.json')).json()) as {
      spiffe_sequence: number;
      spiffe_refresh_hint: number;
      keys: Record<string, unknown>[];
    };
    expect([document.spiffe_sequence, document.spiffe_refresh_hint]).toEqual([1_700, 300]);
    expect(document.keys.map(({ use, kty, crv, x5c }) => ({ use, kty, crv, x5c }))).toEqual([
      { use: 'x509-svid', kty: 'EC', crv: 'P-256', x5c: [roots[0]] },
      { use: 'x509-svid', kty: 'EC', crv: 'P-384', x5c: [roots[1]] },
    ]);
    expect(document.keys.every(({ d }) => d === undefined)).toBe(true);
    expect(document.keys.map((key) => Object.keys(key).sort().join())).toEqual([
      'crv,kty,use,x,x5c,y',
      'crv,kty,use,x,x5c,y',
    ]);
  });

  it.each(['bundle.pem', 'bundle.json'])('%s is 304 to who has it', async (name) => {
    const app = made();
    const etag = (await fetchFrom(app, name)).headers.get('etag') ?? '';
    const again = await fetchFrom(app, name, { 'if-none-match': etag });
    expect([again.status, (await again.arrayBuffer()).byteLength]).toEqual([304, 0]);
  });

  it('is read from its trust domain once in 30 s', async () => {
    const app = made();
    for (const step of [0, 29_999, 1]) {
      app.time.now += step;
      await fetchFrom(app, 'bundle.pem');
      await fetchFrom(app, 'bundle.json');
    }
    expect(app.objects.count('bundle')).toBe(2);
  });

  it('of a name that is guessed wakes nothing but the directory', async () => {
    const app = made();
    for (const name of ['guess.example', 'constructor', 'cluster.loca1']) {
      const answer = await app.app.fetch(new Request(`${CA_URL}/v1/trust-domains/${name}/bundle.pem`));
      expect(answer.status).toBe(404);
    }
    expect(app.objects.asked.map(({ object, method }) => [object, method])).toEqual([['directory', 'names']]);
  });

  it('of a trust domain without a root says which command makes one', async () => {
    const app = fakeApp({ bundle: () => failed('no-root') });
    const answer = await fetchFrom(app, 'bundle.pem');
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ code: 'no-root', fix: expect.stringContaining('root create') });
  });
});

import { z } from '@hono/zod-openapi';
import { fromBase64 } from '../../../pki/src/bytes.ts';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { encodePem } from '../../../pki/src/pem.ts';
import { parsePublicKey } from '../../../pki/src/public_key.ts';
import { taggedAnswer } from '../http/answer.ts';
import type { BundleDocument } from '../objects/rpc.ts';
import { parseQuery } from './admin_route.ts';
import type { Router } from './router.ts';

/** s. How often a consumer should look again (SPIFFE Trust Domain and Bundle §4.1.2). */
const REFRESH_HINT = 300;
const CACHE_CONTROL = 'public, max-age=60';

const noQuery = z.strictObject({});
const spiffeBundle = z
  .object({
    spiffe_sequence: z.int(),
    spiffe_refresh_hint: z.int().openapi({ description: 'seconds' }),
    keys: z.array(z.looseObject({ use: z.literal('x509-svid'), kty: z.string(), x5c: z.array(z.string()) })),
  })
  .openapi('SpiffeBundle');

/** The trusted roots of a trust domain, for anybody: they are not secret, and whoever verifies needs them. */
export function addBundleRoutes(router: Router): void {
  router.add(
    'GET /v1/trust-domains/:trustDomain/bundle.pem',
    {
      summary: 'The trusted roots as PEM, the active one first',
      status: 200,
      answer: z.string(),
      contentType: 'application/x-pem-file',
    },
    async ({ params, request, services: { bundles, crypto } }) => {
      parseQuery(noQuery, request.url);
      const { roots } = await bundles.bundle(params.trustDomain);
      const pem = roots.map((der) => encodePem('CERTIFICATE', fromBase64(der))).join('');
      const headers = { 'content-type': 'application/x-pem-file', 'cache-control': CACHE_CONTROL };
      return taggedAnswer(crypto, request, pem, headers);
    },
  );

  router.add(
    'GET /v1/trust-domains/:trustDomain/bundle.json',
    { summary: 'The trusted roots as a SPIFFE bundle', status: 200, answer: spiffeBundle },
    async ({ params, request, services: { bundles, crypto: port } }) => {
      parseQuery(noQuery, request.url);
      const document = await spiffeDocument(await bundles.bundle(params.trustDomain));
      const headers = { 'content-type': 'application/json', 'cache-control': CACHE_CONTROL };
      return taggedAnswer(port, request, JSON.stringify(document), headers);
    },
  );
}

/** SPIFFE Trust Domain and Bundle §4: one JWK for each root, with exactly that certificate in `x5c`. */
async function spiffeDocument({ version, roots }: BundleDocument): Promise<object> {
  const keys = await Promise.all(
    roots.map(async (root) => ({ use: 'x509-svid', ...(await publicJwk(root)), x5c: [root] })),
  );
  return { spiffe_sequence: version, spiffe_refresh_hint: REFRESH_HINT, keys };
}

async function publicJwk(root: string): Promise<object> {
  const { spki } = parseCertificate(fromBase64(root));
  const info = parsePublicKey(spki);
  const algorithm =
    info.kind === 'ec' ? { name: 'ECDSA', namedCurve: info.curve } : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('spki', spki, algorithm, true, ['verify']);
  const { kty, crv, x, y, n, e } = (await crypto.subtle.exportKey('jwk', key)) as JsonWebKey;
  return kty === 'EC' ? { kty, crv, x, y } : { kty, n, e };
}

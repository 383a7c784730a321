import { z } from '@hono/zod-openapi';
import { MAX_ITEMS, REFUSAL_CODES } from '../client/protocol.ts';

/**
 * How `/openapi.json` shows what agents send and get. Only a description: on the hot path the strict codec of
 * `client/protocol.ts` reads them, and a test holds the two together.
 */

const time = z.int().openapi({ description: 'ms since 1970' });
const derBase64 = z.string().openapi({ description: 'base64 DER' });
const version = z.literal(1);
const id = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/);

export const batchRequest = z
  .strictObject({
    version,
    bundleVersion: z.int().openapi({ description: 'of the bundle that the agent hands out now' }),
    callers: z
      .array(
        z.strictObject({
          tokenHash: z.string().openapi({ description: 'base64url SHA-256 of the JWT' }),
          token: z.string().optional().openapi({ description: 'the JWT in a JWE to the evidence key; sent once' }),
          pod: z.strictObject({ namespace: z.string(), name: z.string(), uid: z.string(), serviceAccount: z.string() }),
          node: z.string(),
        }),
      )
      .min(1)
      .max(MAX_ITEMS),
    items: z
      .array(
        z.strictObject({
          id,
          caller: z.int().openapi({ description: 'index into callers' }),
          identity: z.string().openapi({ description: 'SPIFFE ID' }),
          csr: derBase64,
          ttl: z.int().openapi({ description: 'seconds; zero or less means the default' }),
          receivedAt: time,
          target: z.strictObject({ name: z.string(), uid: z.string() }).optional(),
        }),
      )
      .min(1)
      .max(MAX_ITEMS),
  })
  .openapi('BatchRequest');

export const batchAnswer = z
  .strictObject({
    version,
    time,
    epoch: z.int(),
    bundleVersion: z.int(),
    boot: z.string(),
    items: z.array(
      z.discriminatedUnion('status', [
        z.strictObject({ id, status: z.literal('issued'), certificate: derBase64, issuer: z.string() }),
        z.strictObject({ id, status: z.literal('refused'), code: z.enum(REFUSAL_CODES), reason: z.string() }),
        z.strictObject({ id, status: z.literal('wait'), retryAfterMs: z.int() }),
        z.strictObject({ id, status: z.literal('token-needed') }),
      ]),
    ),
  })
  .openapi('BatchAnswer');

export const servingRequest = z
  .strictObject({ version, id, bundleVersion: z.int(), csr: derBase64, receivedAt: time })
  .openapi('ServingRequest');
export const servingAnswer = z
  .strictObject({
    version,
    time,
    epoch: z.int(),
    bundleVersion: z.int(),
    boot: z.string(),
    id,
    certificate: derBase64,
    issuer: z.string(),
    dnsNames: z.array(z.string()),
  })
  .openapi('ServingAnswer');

export const trustRequest = z.strictObject({ version }).openapi('TrustRequest');
export const trustDocument = z
  .strictObject({
    version,
    time,
    boot: z.string(),
    trustDomain: z.string(),
    cluster: z.string(),
    clusterId: z.string(),
    epoch: z.int(),
    bundleVersion: z.int(),
    enabled: z.boolean(),
    roots: z.array(derBase64),
    crossCertificates: z.array(derBase64),
    intermediates: z.array(
      z.strictObject({ id, purpose: z.enum(['svid', 'serving']), certificate: derBase64, current: z.boolean() }),
    ),
    answerKey: z.strictObject({ certificate: derBase64, issuer: z.string() }),
    evidenceKey: z.strictObject({
      kid: z.string(),
      jwk: z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string() }),
    }),
    servingNames: z.array(z.string()),
    ttl: z.strictObject({ floor: z.int(), default: z.int(), maximum: z.int() }),
  })
  .openapi('TrustDocument');

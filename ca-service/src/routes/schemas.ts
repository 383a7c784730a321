import { z } from '@hono/zod-openapi';

/** Shapes of the admin API. The objects check what a value means; here it is checked what it is. */

const time = z.int().openapi({ description: 'ms since 1970' });
const seconds = z.int().positive().openapi({ description: 'seconds' });
const name = z.string().min(1).max(253);
const derBase64 = z.string().openapi({ description: 'base64 DER' });

const role = z.enum(['viewer', 'operator', 'admin']);

/** Members of an RFC 7517 key that count; others are ignored as §4 demands, but private ones are refused by the object. */
const tokenKey = z
  .looseObject({
    kty: z.enum(['EC', 'RSA']),
    kid: z.string().max(256).optional(),
    alg: z.string().max(16).optional(),
    crv: z.string().max(16).optional(),
    x: z.string().max(128).optional(),
    y: z.string().max(128).optional(),
    n: z.string().max(2_048).optional(),
    e: z.string().max(16).optional(),
    use: z.string().max(16).optional(),
    key_ops: z.array(z.string().max(16)).max(8).optional(),
  })
  .openapi('TokenKey');

const ttl = z.strictObject({ floor: seconds, default: seconds, maximum: seconds });
const jwks = z.strictObject({ keys: z.array(tokenKey).min(1).max(32) });
const keySet = z.strictObject({ issuer: z.string().min(1).max(2_048), keys: z.array(tokenKey).min(1).max(32) });

export const clusterInput = z
  .strictObject({
    name,
    clusterId: name,
    region: name,
    tokenIssuer: z.string().min(1).max(2_048),
    jwks,
    extraKeySets: z.array(keySet).max(8).optional(),
    tokenAudience: name,
    agentAccount: z.string().min(3).max(320).openapi({ description: 'namespace/service-account' }),
    namespaces: z.array(name).min(1).max(5_000).openapi({ description: "exact names, or '*' alone" }),
    confirmAllNamespaces: z.boolean().optional(),
    servingNames: z.array(name).min(1).max(64),
    ttl,
    trustedNodeAccounts: z.array(z.string().min(3).max(320)).max(64),
    policy: z.string().max(131_072).optional().openapi({ description: 'policy document, as JSON text' }),
  })
  .openapi('ClusterInput');

export const clusterKeysInput = z.strictObject({
  issuer: z.string().min(1).max(2_048).optional().openapi({ description: 'that of the API server where absent' }),
  jwks,
});
const thumbprints = z.array(z.string()).openapi({ description: 'RFC 7638' });
export const clusterKeysSet = z
  .object({ enforced: z.boolean(), epoch: z.int(), issuer: z.string(), before: thumbprints, after: thumbprints })
  .openapi('ClusterKeysSet');

export const cluster = z
  .object({
    name,
    clusterId: name,
    region: name,
    objectId: z.string(),
    keySets: z.array(keySet),
    tokenAudience: name,
    agentAccount: z.string(),
    namespaces: z.array(name),
    servingNames: z.array(name),
    ttl,
    trustedNodeAccounts: z.array(z.string()),
    policy: z.string(),
    enabled: z.boolean(),
    epoch: z.int(),
    acknowledgedEpoch: z.int().nullable().openapi({ description: 'enforced when it equals epoch' }),
    createdAt: time,
  })
  .openapi('Cluster');

export const trustDomainInput = z.strictObject({ name }).openapi('TrustDomainInput');
export const trustDomain = z.object({ name, clusters: z.array(name) }).openapi('TrustDomain');

export const rootInput = z
  .strictObject({ keyType: z.enum(['ec-p256', 'ec-p384']), name: z.string().min(1).max(64).optional() })
  .openapi('RootInput');
export const root = z
  .object({
    id: z.string(),
    name: z.string(),
    keyType: z.enum(['ec-p256', 'ec-p384']),
    state: z.enum(['active', 'trusted']),
    fingerprint: z.string().openapi({ description: 'hex SHA-256 of the certificate: what an agent pins' }),
    certificate: derBase64,
    notBefore: time,
    notAfter: time,
    createdAt: time,
  })
  .openapi('Root');

export const bootstrapInput = z.strictObject({ tokenName: z.string().min(1).max(64) }).openapi('BootstrapInput');
export const bootstrapAnswer = z
  .object({ instanceId: z.string(), token: z.string().openapi({ description: 'shown once' }) })
  .openapi('BootstrapAnswer');

export const tokenInput = z
  .strictObject({
    name: z.string().min(1).max(64),
    role,
    trustDomains: z.union([z.literal('*'), z.array(name).min(1).max(64)]),
    ttlSeconds: z.int().min(60).max(31_622_400),
  })
  .openapi('TokenInput');
export const token = z
  .object({
    id: z.string(),
    name: z.string(),
    role,
    trustDomains: z.union([z.literal('*'), z.array(name)]),
    createdAt: time,
    createdBy: z.string(),
    expiresAt: time,
    revokedAt: time.nullable(),
    lastUsedAt: time.nullable().openapi({ description: 'to the hour; null for one that was never used' }),
  })
  .openapi('Token');
export const newToken = token.extend({ token: z.string().openapi({ description: 'shown once' }) }).openapi('NewToken');

const page = {
  cursor: z.string().min(1).max(256).optional(),
  limit: z.coerce.number().int().min(1).max(500).optional(),
};
export const pageQuery = z.strictObject(page);
export const certificateQuery = z
  .strictObject({
    ...page,
    identity: z.string().min(1).max(2_048).optional(),
    node: name.optional(),
    serial: z
      .string()
      .regex(/^[0-9a-f]{32}$/, 'expected 32 lower-case hex digits')
      .optional(),
  })
  .refine(({ identity, node, serial }) => [identity, node, serial].filter((f) => f !== undefined).length <= 1, {
    message: 'expected at most one of identity, node and serial',
  });

export const rows = <T extends z.ZodType>(row: T) => z.object({ rows: z.array(row) });
export const pageOf = <T extends z.ZodType>(row: T) =>
  z.object({ rows: z.array(row), next: z.string().nullable().openapi({ description: 'cursor of the next page' }) });

const revocationKind = z.enum(['certificate', 'identity', 'node']);

export const ledgerRow = z
  .object({
    serial: z.string(),
    identity: z.string(),
    podUid: z.string(),
    node: z.string(),
    issuedAt: time,
    notAfter: time,
    issuer: z.string(),
    bundleVersion: z.int(),
    level: z.enum(['token', 'token+agent', 'agent']),
    requestId: z.string(),
    revoked: revocationKind.nullable().openapi({ description: 'by which mark a renewal of it would be refused' }),
  })
  .openapi('LedgerRow');

const revocationSubject = z
  .string()
  .min(1)
  .max(2048)
  .openapi({ description: 'serial of 32 hexadecimal digits, SPIFFE ID, or name of a node' });
const revocationReason = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\p{Cc}]*$/u, 'no control characters');

export const revocationMark = z.strictObject({ kind: revocationKind, subject: revocationSubject });
export const revocationInput = revocationMark.extend({ reason: revocationReason });
export const revocation = z
  .object({ kind: revocationKind, subject: z.string(), reason: z.string(), at: time, by: z.string() })
  .openapi('Revocation');

export const counts = z
  .object({
    current: z.int(),
    atLeast: z.boolean(),
    issuedLastHour: z.int(),
    issuedLastDay: z.int(),
    live: z.array(z.object({ issuer: z.string(), bundleVersion: z.int(), notAfter: time })),
  })
  .openapi('LedgerCounts');

export const auditEntry = z
  .object({
    id: z.int(),
    at: time,
    actor: z.object({ id: z.string(), name: z.string(), role }),
    action: z.string(),
    subject: z.string(),
    outcome: z.enum(['done', 'refused']),
    detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
    hash: z.string().openapi({
      description:
        'hex SHA-256 of the JSON array [hash of the entry before, id, at, actor.id, actor.name, actor.role, action, subject, outcome, detail]',
    }),
  })
  .openapi('AuditEntry');

export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().openapi({ description: 'stable; what programs branch on' }),
    detail: z.string().optional(),
    fix: z.string().optional().openapi({ description: 'the command that fixes it' }),
    faults: z.array(z.string()).optional(),
  })
  .openapi('Problem');

export const health = z
  .object({
    status: z.enum(['ok', 'unavailable']),
    code: z.string().nullable(),
    reason: z.string().nullable(),
    bootstrapped: z.boolean(),
    instanceId: z.string().nullable(),
    faults: z.array(z.string()),
  })
  .openapi('Health');

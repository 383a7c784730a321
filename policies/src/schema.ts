import { z } from 'zod';

const seconds = z.number().int().positive();
const perSecond = z.number().positive();

/** Token bucket: `rate` certificates a second on average, `burst` at once. */
const bucket = z.strictObject({ rate: perSecond, burst: z.number().int().positive() });

/** Kubernetes namespace or service account, or `*` for every one. A prefix or a glob is refused: it hides what it grants. */
const nameOrAll = z.union([z.literal('*'), z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/)]);

/**
 * A rule narrows what an enrolled cluster may issue. The first rule that matches decides; without a match the policy's
 * own `keyTypes` and the cluster's TTL limits hold. A rule can only take away: an unenrolled namespace stays refused.
 */
const rule = z.strictObject({
  description: z.string().min(1).max(200),
  match: z.strictObject({ namespace: nameOrAll, serviceAccount: nameOrAll }),
  deny: z.boolean().optional(),
  keyTypes: z
    .array(z.enum(['ec-p256', 'ec-p384', 'rsa']))
    .min(1)
    .optional(),
  maximumTtlSeconds: seconds.optional(),
});

/** What may be issued within the hard rules of the CA. Stored with the cluster's configuration, so `version` is part of the format. */
const policySchema = z.strictObject({
  version: z.literal(1),
  keyTypes: z.array(z.enum(['ec-p256', 'ec-p384', 'rsa'])).min(1),
  minimumRsaBits: z.number().int().min(2048).max(4096),
  limits: z.strictObject({ cluster: bucket, caller: bucket }),
  rules: z.array(rule).max(200),
});

export type Policy = z.infer<typeof policySchema>;
export type KeyKind = Policy['keyTypes'][number];
export type PolicyRule = z.infer<typeof rule>;
export type Bucket = z.infer<typeof bucket>;

/** Parses a policy document and reports every fault at once, each with its path. */
export function parsePolicy(document: unknown): { ok: true; policy: Policy } | { ok: false; faults: string[] } {
  const parsed = policySchema.safeParse(document);
  if (parsed.success) return { ok: true, policy: parsed.data };
  return {
    ok: false,
    faults: parsed.error.issues.map((issue) => `${issue.path.map(String).join('.') || 'policy'}: ${issue.message}`),
  };
}

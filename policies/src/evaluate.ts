import type { KeyKind, Policy, PolicyRule } from './schema.ts';

/** Limits of a cluster's enrolment, in seconds. */
interface TtlLimits {
  readonly floor: number;
  readonly default: number;
  readonly maximum: number;
}

export interface PolicyFacts {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly keyKind: KeyKind;
  /** Modulus length in bits; only for `rsa`. */
  readonly rsaBits?: number;
  /** As the client asked, in seconds; zero or less means the default. */
  readonly requestedTtlSeconds: number;
  /** Namespaces of the enrolment; `*` alone stands for every one. */
  readonly namespaces: readonly string[];
  readonly ttl: TtlLimits;
}

export type PolicyOutcome =
  | { readonly outcome: 'allow'; readonly ttlSeconds: number }
  | {
      readonly outcome: 'refuse';
      readonly code: 'namespace-not-enrolled' | 'policy';
      /** For the log and the ledger, not for the mesh client. */
      readonly reason: string;
      /** The setting that decided, as a path an operator can look up. */
      readonly setting: string;
      /** The command that shows or changes it. */
      readonly command: string;
    };

/** Decides whether, and for how long, a certificate may be issued. Pure: the same facts always give the same outcome. */
export function evaluate(policy: Policy, facts: PolicyFacts): PolicyOutcome {
  if (!enrolled(facts)) {
    return {
      outcome: 'refuse',
      code: 'namespace-not-enrolled',
      reason: `namespace ${facts.namespace} is not among the namespaces this cluster was enrolled with`,
      setting: 'cluster.namespaces',
      command: 'ambient-ca cluster show <cluster>',
    };
  }
  const index = policy.rules.findIndex((rule) => matches(rule, facts));
  const rule = policy.rules[index];
  if (rule?.deny === true)
    return refusal(`rule "${rule.description}" denies this identity`, `policy.rules.${index}.deny`);
  const keyTypes = rule?.keyTypes ?? policy.keyTypes;
  if (!keyTypes.includes(facts.keyKind)) {
    return refusal(
      `key type ${facts.keyKind} is not allowed, expected one of ${keyTypes.join(', ')}`,
      rule?.keyTypes === undefined ? 'policy.keyTypes' : `policy.rules.${index}.keyTypes`,
    );
  }
  if (facts.keyKind === 'rsa' && (facts.rsaBits ?? 0) < policy.minimumRsaBits) {
    return refusal(
      `RSA key of ${facts.rsaBits ?? 0} bits, expected at least ${policy.minimumRsaBits}`,
      'policy.minimumRsaBits',
    );
  }
  return { outcome: 'allow', ttlSeconds: clampTtl(facts, rule) };
}

function enrolled({ namespaces, namespace }: PolicyFacts): boolean {
  return (namespaces.length === 1 && namespaces[0] === '*') || namespaces.includes(namespace);
}

function matches(rule: PolicyRule, facts: PolicyFacts): boolean {
  const { namespace, serviceAccount } = rule.match;
  return (
    (namespace === '*' || namespace === facts.namespace) &&
    (serviceAccount === '*' || serviceAccount === facts.serviceAccount)
  );
}

/** A TTL is never a reason to refuse: clients hard-code 24 h, so it is raised to the floor and clamped to the maximum. */
function clampTtl({ requestedTtlSeconds, ttl }: PolicyFacts, rule: PolicyRule | undefined): number {
  const asked = requestedTtlSeconds > 0 ? requestedTtlSeconds : ttl.default;
  const ceiling = Math.min(ttl.maximum, rule?.maximumTtlSeconds ?? ttl.maximum);
  return Math.max(ttl.floor, Math.min(asked, ceiling));
}

function refusal(reason: string, setting: string): PolicyOutcome {
  return { outcome: 'refuse', code: 'policy', reason, setting, command: 'ambient-ca cluster show <cluster> -o json' };
}

import { parsePolicy, RateLimiter, type Policy } from '../../../policies/src/index.ts';
import { fail } from '../objects/outcome.ts';
import type { ConfigPush } from '../objects/rpc.ts';

/** What a cluster's issuer decides by: the pushed configuration, in the store and in memory. */
export class Configuration {
  readonly #sql: SqlStorage;
  readonly #now: () => number;
  #current: { push: ConfigPush; policy: Policy; limiter: RateLimiter } | null = null;

  constructor(sql: SqlStorage, now: () => number) {
    this.#sql = sql;
    this.#now = now;
    const [row] = sql.exec<{ document: string }>('SELECT document FROM config').toArray();
    if (row !== undefined) this.#use(JSON.parse(row.document) as ConfigPush);
  }

  get current(): { push: ConfigPush; policy: Policy; limiter: RateLimiter } | null {
    return this.#current;
  }

  /** Takes a push unless a newer one is there; answers the epoch that is enforced afterwards. */
  take(push: ConfigPush): number {
    const known = this.#current?.push;
    if (known !== undefined) {
      const foreign = (['instanceId', 'trustDomain', 'cluster'] as const).find((key) => known[key] !== push[key]);
      if (foreign !== undefined) fail('invalid', `this object serves ${known[foreign]}, not ${push[foreign]}`);
      if (known.epoch >= push.epoch) return known.epoch;
    }
    parsed(push);
    this.#sql.exec(
      `INSERT INTO config VALUES (1, ?, ?)
       ON CONFLICT (only) DO UPDATE SET epoch = excluded.epoch, document = excluded.document`,
      push.epoch,
      JSON.stringify(push),
    );
    this.#use(push);
    return push.epoch;
  }

  /** Full buckets only when the policy is another one: a push must not be a way around the limits. */
  #use(push: ConfigPush): void {
    const policy = parsed(push);
    const before = this.#current;
    const same = before !== null && JSON.stringify(before.policy.limits) === JSON.stringify(policy.limits);
    this.#current = { push, policy, limiter: same ? before.limiter : new RateLimiter(policy.limits, this.#now()) };
  }
}

function parsed(push: ConfigPush): Policy {
  const result = parsePolicy(JSON.parse(push.policy));
  return result.ok ? result.policy : fail('invalid', `the policy is invalid: ${result.faults.join('; ')}`);
}

import { CaError, valueOf } from '../errors.ts';
import type { Names } from '../objects/rpc.ts';
import type { Objects } from './objects.ts';

/** ms. A name that was just made elsewhere may be unknown here as long. */
const LIFE = 30_000;

/**
 * What the directory knows by name, copied at most once in 30 s: guessing names creates nothing and wakes at most the
 * directory. A refresh is not shared between requests, because a promise belongs to the request that made it.
 */
export class NameLookup {
  readonly #objects: Objects;
  readonly #clock: () => number;
  #known: { names: Names; at: number } | null = null;
  /** Counts writes, so that an answer from before one is not kept. */
  #writes = 0;

  constructor(objects: Objects, clock: () => number) {
    this.#objects = objects;
    this.#clock = clock;
  }

  /** Object id of a trust domain; throws `not-found`. */
  async trustDomain(name: string): Promise<string> {
    return (await this.#entry(name)).objectId;
  }

  /** Object id of a cluster's issuer; throws `not-found`. */
  async cluster(trustDomain: string, name: string): Promise<string> {
    const { clusters } = await this.#entry(trustDomain);
    const found = Object.hasOwn(clusters, name) ? clusters[name] : undefined;
    if (found === undefined) {
      throw new CaError('not-found', `trust domain ${trustDomain} has no cluster ${name}`, {
        fix: `ambient-ca cluster list --trust-domain ${trustDomain}`,
      });
    }
    return found.objectId;
  }

  async all(): Promise<Names['trustDomains']> {
    const now = this.#clock();
    const age = this.#known === null ? null : now - this.#known.at;
    if (this.#known !== null && age !== null && age >= 0 && age < LIFE) return this.#known.names.trustDomains;
    const writes = this.#writes;
    const names = valueOf(await this.#objects.directory().names());
    if (writes === this.#writes) this.#known = { names, at: now };
    return names.trustDomains;
  }

  /** After a write through this isolate, so that its own names are known at once. */
  forget(): void {
    this.#writes += 1;
    this.#known = null;
  }

  async #entry(name: string): Promise<Names['trustDomains'][string]> {
    const all = await this.all();
    const found = Object.hasOwn(all, name) ? all[name] : undefined;
    if (found === undefined) throw new CaError('not-found', `there is no trust domain ${name}`);
    return found;
  }
}

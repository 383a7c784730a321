import { valueOf } from '../errors.ts';
import type { BundleDocument } from '../objects/rpc.ts';
import { BoundedMap } from './bounded_map.ts';
import type { NameLookup } from './names.ts';
import type { Objects } from './objects.ts';

/** ms */
const LIFE = 30_000;
const MAX_DOMAINS = 512;

/** Bundles for the public, copied at most once in 30 s from each trust domain: a crowd of readers wakes nobody. */
export class BundleLookup {
  readonly #objects: Objects;
  readonly #names: NameLookup;
  readonly #clock: () => number;
  readonly #known = new BoundedMap<{ bundle: BundleDocument; at: number }>(MAX_DOMAINS);

  constructor(objects: Objects, names: NameLookup, clock: () => number) {
    this.#objects = objects;
    this.#names = names;
    this.#clock = clock;
  }

  /** Throws `not-found` for a trust domain that the directory does not know. */
  async bundle(trustDomain: string): Promise<BundleDocument> {
    const objectId = await this.#names.trustDomain(trustDomain);
    const now = this.#clock();
    const known = this.#known.get(objectId);
    if (known !== undefined && now >= known.at && now - known.at < LIFE) return known.bundle;
    const bundle = valueOf(await this.#objects.trustDomain(objectId).bundle());
    // A slow answer must not replace a newer bundle that another request fetched meanwhile.
    const latest = this.#known.get(objectId)?.bundle;
    if (latest === undefined || latest.version <= bundle.version) this.#known.set(objectId, { bundle, at: now });
    return bundle;
  }

  /** After a write through this isolate. */
  forget(objectId: string): void {
    this.#known.delete(objectId);
  }
}

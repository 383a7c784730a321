import { valueOf } from '../errors.ts';
import { VerificationKeys } from '../evidence/verification_keys.ts';
import type { ConfigSnapshot } from '../objects/rpc.ts';
import { BoundedMap } from './bounded_map.ts';
import type { Objects } from './objects.ts';

/** A cluster's configuration, and its keys imported. */
export interface ClusterView {
  objectId: string;
  snapshot: ConfigSnapshot;
  keys: VerificationKeys;
}

/** ms. DESIGN §5: a key set is cached for at most this long. */
const LIFE = 30_000;
const MAX_CLUSTERS = 512;

/** Snapshots of clusters' configurations. What is verified by an old one is answered `stale-epoch` by the object. */
export class ClusterLookup {
  readonly #objects: Objects;
  readonly #clock: () => number;
  readonly #views = new BoundedMap<{ view: ClusterView; at: number }>(MAX_CLUSTERS);

  constructor(objects: Objects, clock: () => number) {
    this.#objects = objects;
    this.#clock = clock;
  }

  async view(objectId: string, { fresh = false } = {}): Promise<ClusterView> {
    const now = this.#clock();
    const known = this.#views.get(objectId);
    if (known !== undefined && !fresh && now - known.at < LIFE && now >= known.at) return known.view;
    const snapshot = valueOf(await this.#objects.clusterIssuer(objectId).snapshot());
    // Imported keys outlive a refresh that changed nothing.
    const keys =
      known?.view.snapshot.epoch === snapshot.epoch ? known.view.keys : new VerificationKeys(snapshot.keySets);
    const view = { objectId, snapshot, keys };
    this.#views.set(objectId, { view, at: now });
    return view;
  }
}

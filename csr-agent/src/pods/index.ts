import type { PodIndex, PodRef } from '../steps.ts';

/** An immutable index over one complete list of pods. */
export class PodSnapshot implements PodIndex {
  readonly synced = true;
  readonly #byUid = new Map<string, PodRef>();
  readonly #byPlace = new Map<string, PodRef[]>();

  constructor(pods: readonly PodRef[]) {
    for (const pod of pods) {
      this.#byUid.set(pod.uid, pod);
      const place = placeOf(pod.node, pod.namespace, pod.serviceAccount);
      const there = this.#byPlace.get(place);
      if (there === undefined) this.#byPlace.set(place, [pod]);
      else there.push(pod);
    }
  }

  get size(): number {
    return this.#byUid.size;
  }

  byUid(uid: string): PodRef | undefined {
    return this.#byUid.get(uid);
  }

  onNode(node: string, namespace: string, serviceAccount: string): readonly PodRef[] {
    return this.#byPlace.get(placeOf(node, namespace, serviceAccount)) ?? [];
  }
}

/** Neither a node name nor a namespace may contain a slash. */
function placeOf(node: string, namespace: string, serviceAccount: string): string {
  return `${node}/${namespace}/${serviceAccount}`;
}

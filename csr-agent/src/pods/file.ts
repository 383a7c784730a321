import { readFileSync, statSync } from 'node:fs';
import * as z from 'zod';
import { isNamespace, isServiceAccountName } from '../../../pki/src/spiffe_id.ts';
import type { PodIndex, PodRef } from '../steps.ts';
import { watchText } from '../watched_file.ts';
import { PodSnapshot } from './index.ts';

const pod = z.strictObject({
  namespace: z.string().refine(isNamespace, 'expected a Kubernetes namespace'),
  name: z.string().refine(isServiceAccountName, 'expected a pod name'),
  uid: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'expected a uid of at most 64 letters, digits and dashes'),
  serviceAccount: z.string().refine(isServiceAccountName, 'expected a service account'),
  node: z.string().refine(isServiceAccountName, 'expected a node name'),
});

/** @throws Error that names the first faults of the text */
export function parsePods(text: string): PodRef[] {
  const result = z.array(pod).safeParse(JSON.parse(text));
  if (!result.success) {
    const faults = result.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`not a list of pods: ${faults.join('; ')}`);
  }
  const uids = new Set(result.data.map(({ uid }) => uid));
  if (uids.size !== result.data.length) throw new Error('two pods have the same uid');
  return result.data;
}

export interface PodFileEvents {
  loaded(pods: number): void;
  /** The file could not be read; the last good list stays. */
  failed(error: Error): void;
}

/**
 * The pods of a JSON file, read again when it changes. A file that cannot be read keeps the last good list: a broken
 * write must not take every identity away.
 */
export class PodFile implements PodIndex {
  readonly #watch: { close(): void };
  #snapshot: PodSnapshot;

  /** @throws Error when the file cannot be read at start */
  constructor(path: string, events: PodFileEvents) {
    this.#watch = watchText(path, {
      changed: (text) => {
        this.#snapshot = take(path, text, this.#snapshot);
        events.loaded(this.#snapshot.size);
      },
      failed: (error) => events.failed(error),
    });
    this.#snapshot = take(path, readFileSync(path, 'utf8'), null);
    events.loaded(this.#snapshot.size);
  }

  get synced(): boolean {
    return this.#snapshot.synced;
  }

  byUid(uid: string): PodRef | undefined {
    return this.#snapshot.byUid(uid);
  }

  onNode(node: string, namespace: string, serviceAccount: string): readonly PodRef[] {
    return this.#snapshot.onNode(node, namespace, serviceAccount);
  }

  close(): void {
    this.#watch.close();
  }
}

/** A pod exists at least since the file names it: since it was written, or since it named the pod before. */
function take(path: string, text: string, before: PodSnapshot | null): PodSnapshot {
  const written = statSync(path).mtimeMs;
  const known = (one: PodRef): number => before?.byUid(one.uid)?.knownSince ?? written;
  return new PodSnapshot(parsePods(text).map((one) => ({ ...one, knownSince: known(one) })));
}

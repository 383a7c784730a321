import type { SigningRequest } from '../steps.ts';

export interface HoldOptions {
  /** ms: the longest hold of a renewal */
  readonly maximum: number;
  /** ms: the hold of a first issuance */
  readonly first: number;
}

export interface Hold {
  /** ms since 1970: until then the caller's request is kept open. */
  readonly until: number;
  /** When the caller's certificate ends as far as we know; what is due sooner is sent sooner. */
  readonly dueBy: number;
  readonly kind: 'first' | 'renewal' | 'presumed-renewal';
}

/** Pods known for longer than this have most probably had a certificate from someone. */
const SETTLED_MS = 5 * 60_000;
/** A presumed renewal lines up as if its certificate had this long to live. */
const PRESUMED_LIFE_MS = 60_000;
/** Certificates remembered: some 150 bytes each. */
const MAX_REMEMBERED = 400_000;

/**
 * How long a request may be held while the CA is away. A failed renewal is an outage of that identity at once on
 * ztunnel 1.27, and a held one costs nothing until the certificate ends; a first issuance blocks the node's whole queue.
 */
export class Holds {
  readonly #options: HoldOptions;
  /** (caller's pod, identity) → notAfter of the last certificate that we handed out. */
  readonly #notAfter = new Map<string, number>();
  /** Pod uid → when it first asked or was asked for, ms since 1970. */
  readonly #seen = new Map<string, number>();

  constructor(options: HoldOptions) {
    this.#options = options;
  }

  of({ caller, target, identityText, receivedAt }: SigningRequest): Hold {
    const { maximum, first } = this.#options;
    const settled = [caller.pod, target].every((pod) => receivedAt - this.#knownSince(pod, receivedAt) > SETTLED_MS);
    const notAfter = this.#notAfter.get(keyOf(caller.pod.uid, identityText));
    if (notAfter !== undefined && notAfter > receivedAt) {
      return { until: Math.min(notAfter, receivedAt + maximum), dueBy: notAfter, kind: 'renewal' };
    }
    if (notAfter === undefined && settled) {
      return { until: receivedAt + maximum, dueBy: receivedAt + PRESUMED_LIFE_MS, kind: 'presumed-renewal' };
    }
    return { until: receivedAt + first, dueBy: receivedAt + first, kind: 'first' };
  }

  /** A certificate was handed out. */
  issued({ caller, identityText, receivedAt }: SigningRequest, notAfter: number): void {
    if (this.#notAfter.size >= MAX_REMEMBERED) forget(this.#notAfter, (until) => until < receivedAt);
    this.#notAfter.set(keyOf(caller.pod.uid, identityText), notAfter);
  }

  #knownSince(pod: SigningRequest['target'], now: number): number {
    const seen = this.#seen.get(pod.uid);
    if (seen === undefined) {
      if (this.#seen.size >= MAX_REMEMBERED) forget(this.#seen, () => false);
      this.#seen.set(pod.uid, now);
    }
    return Math.min(seen ?? now, pod.knownSince ?? now);
  }
}

function keyOf(podUid: string, identity: string): string {
  return `${podUid} ${identity}`;
}

/** Drops what is of no use any more, and if that is little, the oldest quarter: forgetting only shortens a hold. */
function forget(map: Map<string, number>, useless: (value: number) => boolean): void {
  for (const [key, value] of map) if (useless(value)) map.delete(key);
  for (const key of map.keys()) {
    if (map.size <= (MAX_REMEMBERED * 3) / 4) return;
    map.delete(key);
  }
}

import { type Bundle, fingerprint } from './bundle.ts';

/** What a log line says of a change of trust; a member is there only when something of its kind changed. */
export interface TrustChanges {
  bundleVersion?: number;
  epoch?: number;
  enabled?: boolean;
  /** Fingerprints. */
  rootsAdded?: string[];
  rootsRemoved?: string[];
  activeRoot?: string;
  crossCertificates?: number;
  /** Ids; a changed flag counts as a change of the intermediate. */
  intermediates?: string[];
  answerKeyIssuer?: string;
  evidenceKey?: string;
  servingNames?: string[];
  clusterId?: string;
  ttl?: object;
}

type Member = keyof TrustChanges;

/** How each thing reads, as text to compare, and as what the log shows. */
const WATCHED: readonly (readonly [Member, (bundle: Bundle) => unknown, ((bundle: Bundle) => unknown)?])[] = [
  ['bundleVersion', ({ document }) => document.bundleVersion],
  ['epoch', ({ document }) => document.epoch],
  ['enabled', ({ document }) => document.enabled],
  ['activeRoot', ({ roots }) => roots.slice(0, 1).map(fingerprint).join()],
  ['crossCertificates', ({ document }) => document.crossCertificates, ({ crosses }) => crosses.length],
  ['intermediates', ({ document }) => document.intermediates, ({ intermediates }) => [...intermediates.keys()]],
  ['answerKeyIssuer', ({ document }) => document.answerKey, ({ document }) => document.answerKey.issuer],
  ['evidenceKey', ({ document }) => document.evidenceKey, ({ document }) => document.evidenceKey.kid],
  ['servingNames', ({ document }) => document.servingNames],
  ['clusterId', ({ document }) => document.clusterId],
  ['ttl', ({ document }) => document.ttl],
];

/** Empty when nothing changed; `time` and `boot` are of the answer and not of the trust. */
export function changesBetween(before: Bundle | null, after: Bundle): TrustChanges {
  const changes: Record<string, unknown> = {};
  for (const [member, read, show = read] of WATCHED) {
    if (before === null || JSON.stringify(read(before)) !== JSON.stringify(read(after))) changes[member] = show(after);
  }
  const old = new Set(before?.roots.map(fingerprint));
  const now = new Set(after.roots.map(fingerprint));
  const added = [...now].filter((root) => !old.has(root));
  const removed = [...old].filter((root) => !now.has(root));
  if (added.length > 0) changes['rootsAdded'] = added;
  if (removed.length > 0) changes['rootsRemoved'] = removed;
  return changes;
}

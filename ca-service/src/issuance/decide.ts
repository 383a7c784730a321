import { PkiError } from '../../../pki/src/errors.ts';
import { lintLeaf, prepareLeaf, randomSerial, type LintedLeaf } from '../../../pki/src/leaf/prepare.ts';
import { drawLifeSeconds, leafValidity } from '../../../pki/src/lifetimes.ts';
import { parsePublicKey, type PublicKeyInfo } from '../../../pki/src/public_key.ts';
import { formatIdentity } from '../../../pki/src/spiffe_id.ts';
import { evaluate, type KeyKind, type Policy, type RateLimiter } from '../../../policies/src/index.ts';
import type { ItemAnswer } from '../client/protocol.ts';
import type { Issuance } from '../ledger/issuance.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Revocations } from '../ledger/revocations.ts';
import type { IssueRequest, VerifiedItem } from '../objects/packed.ts';
import type { ConfigPush } from '../objects/rpc.ts';
import type { Intermediate } from './key_store.ts';

/** What a decision rests on besides the request. */
export interface DecisionContext {
  config: ConfigPush;
  policy: Policy;
  limiter: RateLimiter;
  issuer: Intermediate;
  ledger: Ledger;
  revocations: Revocations;
  random: (length: number) => Uint8Array;
  /** ms since 1970 */
  now: number;
}

/** A certificate that is recorded and may be signed. */
export interface ToSign {
  id: string;
  status: 'sign';
  linted: LintedLeaf;
  issuance: Issuance;
}

export type Decision = ToSign | ItemAnswer | { id: string; status: 'failed'; retryAfterMs: number; reason: string };

/** The trouble is ours, and a refusal would end the caller's request; so it waits, and the log says why. */
const OUR_TROUBLE_RETRY_MS = 5_000;
/** The longest wait the wire can say. */
const MAX_WAIT_MS = 3_600_000;

/**
 * The one place where it is decided what is signed. Synchronous from the first line to the last: between reading the
 * configuration and the committed rows nothing else runs in the object, so nothing can change what the decision rests on.
 * Throws, and then nothing was recorded, when the rows cannot be written.
 */
export function decideAndRecord(context: DecisionContext, request: IssueRequest): Decision[] {
  const decisions = request.items.map((item) =>
    item.status === 'verified' ? decideSafely(context, request, item) : item,
  );
  const issuances = decisions.flatMap((decision) => (decision.status === 'sign' ? [decision.issuance] : []));
  if (issuances.length > 0) {
    context.ledger.record({
      at: context.now,
      issuer: context.issuer.id,
      bundleVersion: statedVersion(context.config, request),
      issuances,
    });
  }
  return decisions;
}

/** One item that cannot be written must not keep the others of its batch from their certificates. */
function decideSafely(context: DecisionContext, request: IssueRequest, item: VerifiedItem): Decision {
  try {
    return decide(context, request, item);
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    const reason = `${error.code}: ${error.message}`;
    return { id: item.id, status: 'failed', retryAfterMs: OUR_TROUBLE_RETRY_MS, reason };
  }
}

function decide(context: DecisionContext, request: IssueRequest, item: VerifiedItem): Decision {
  const { config, policy, limiter, issuer, random, now, revocations } = context;
  const { id, namespace, serviceAccount, spki } = item;
  const caller = request.callers[item.caller];
  const identity = formatIdentity({ trustDomain: config.trustDomain, namespace, serviceAccount });
  if (caller === undefined || identity !== item.identity) {
    return {
      id,
      status: 'refused',
      code: 'identity-mismatch',
      reason: 'the identity is not that of the attested parts',
    };
  }
  const mark = revocations.of({ podUid: caller.podUid, node: caller.node, identity });
  if (mark !== null) {
    const reason = `the ${mark.kind} ${mark.subject} was revoked by ${mark.by}: ${mark.reason}`;
    return { id, status: 'refused', code: 'revoked', reason };
  }
  const publicKey = parsePublicKey(spki);
  const outcome = evaluate(policy, {
    namespace,
    serviceAccount,
    ...keyFacts(publicKey),
    requestedTtlSeconds: item.ttl,
    namespaces: config.namespaces,
    ttl: config.ttl,
  });
  if (outcome.outcome === 'refuse') {
    const reason = `${outcome.reason}; setting ${outcome.setting}; ${outcome.command.replace('<cluster>', config.cluster)}`;
    return { id, status: 'refused', code: outcome.code, reason };
  }
  const wait = limiter.take(caller.podUid, now);
  if (wait > 0) return { id, status: 'wait', retryAfterMs: Math.min(MAX_WAIT_MS, Math.ceil(wait)) };
  const { ttlSeconds } = outcome;
  const lifeSeconds = drawLifeSeconds(ttlSeconds, random);
  const prepared = prepareLeaf({
    profile: 'svid',
    uri: identity,
    publicKey,
    spki,
    ...leafValidity({ now, ttlSeconds, lifeSeconds, issuer: issuer.template }),
    serial: randomSerial(random),
    issuer: issuer.template,
  });
  const linted = lintLeaf(prepared, now);
  const { serial, notAfter } = prepared;
  const { podUid, node } = caller;
  return {
    id,
    status: 'sign',
    linted,
    issuance: { serial, identity, podUid, node, notAfter, level: item.level, requestId: id },
  };
}

/** What the receiver hands out, as it states it. A version that we never gave out would make a rotation look safer than it is. */
export function statedVersion({ bundle }: ConfigPush, { bundleVersion }: { bundleVersion: number }): number {
  return Math.min(bundleVersion, bundle.version);
}

function keyFacts(key: PublicKeyInfo): { keyKind: KeyKind; rsaBits?: number } {
  if (key.kind === 'rsa') return { keyKind: 'rsa', rsaBits: key.bits };
  return { keyKind: key.curve === 'P-256' ? 'ec-p256' : 'ec-p384' };
}

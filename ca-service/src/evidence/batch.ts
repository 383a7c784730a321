import type { CryptoPort } from '../../../pki/src/crypto/port.ts';
import type { BatchRequest, Item } from '../client/protocol.ts';
import type { ClusterView } from '../lookup/clusters.ts';
import type { PackedCaller, PackedItem } from '../objects/packed.ts';
import type { CallerEvidence, CallerTokens } from './callers.ts';
import { placement } from './placement.ts';
import { provenKey } from './proof.ts';
import { AgentClockError, printableReason, Refusal } from './refusal.ts';

/** ms. The answer tells the agent the time, so the next attempt may be soon. */
const CLOCK_RETRY_MS = 100;

/** What the object decides on: facts that were verified here, and items that got their verdict here. */
export interface AssessedBatch {
  callers: PackedCaller[];
  items: PackedItem[];
}

/**
 * All of a batch that needs an `await`: tokens, CSRs, possession. An item that fails takes no other with it; what was
 * not foreseen fails the batch, so that it can never turn into a verdict.
 */
export async function assessBatch(
  crypto: CryptoPort,
  tokens: CallerTokens,
  batch: BatchRequest,
  cluster: ClusterView,
  now: number,
): Promise<AssessedBatch> {
  const evidence = await Promise.all(batch.callers.map((caller) => tokens.evidence(caller, cluster)));
  const items = await Promise.all(
    batch.items.map((item) => assess(crypto, item, batch, evidence[item.caller], cluster, now)),
  );
  const callers = batch.callers.map(({ pod, node }) => ({
    podUid: pod.uid,
    podName: pod.name,
    namespace: pod.namespace,
    serviceAccount: pod.serviceAccount,
    node,
  }));
  return { callers, items };
}

async function assess(
  crypto: CryptoPort,
  item: Item,
  batch: BatchRequest,
  evidence: CallerEvidence | undefined,
  cluster: ClusterView,
  now: number,
): Promise<PackedItem> {
  const { id, ttl, receivedAt, target } = item;
  const caller = batch.callers[item.caller];
  if (evidence === 'token-needed') return { id, status: 'token-needed' };
  try {
    if (evidence === undefined || caller === undefined) throw new TypeError('an item without its caller');
    if (evidence instanceof Refusal) throw evidence;
    const { identity, level } = placement(evidence, caller, item, cluster.snapshot, now);
    const spki = await provenKey(crypto, item.csr, item.identity);
    return {
      id,
      status: 'verified',
      caller: item.caller,
      identity: item.identity,
      namespace: identity.namespace,
      serviceAccount: identity.serviceAccount,
      spki,
      ttl,
      level,
      receivedAt,
      ...(target === undefined ? {} : { target }),
    };
  } catch (error) {
    if (error instanceof AgentClockError) return { id, status: 'wait', retryAfterMs: CLOCK_RETRY_MS };
    if (!(error instanceof Refusal)) throw error;
    return { id, status: 'refused', code: error.code, reason: printableReason(error.message) };
  }
}

import { type Identity, parseIdentity } from '../../../pki/src/spiffe_id.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import type { Caller, Item } from '../client/protocol.ts';
import type { ConfigSnapshot, EvidenceLevel } from '../objects/rpc.ts';
import { AgentClockError, Refusal } from './refusal.ts';
import { checkTimes, type TokenFacts } from './token.ts';

/** ms. The longest hold of an agent (DESIGN §6): evidence of an earlier receipt is not looked at. */
const MAX_AGE = 10_800_000;
/** ms. How far an agent's clock, corrected by its skew, may be ahead. */
const MAX_AHEAD = 60_000;

/** The identity that the evidence supports, and on whose word. */
export interface Placement {
  identity: Identity;
  level: EvidenceLevel;
}

/**
 * Whether a caller with this token may have the identity: its own, or, for a trusted node account, that of a pod which
 * the agent says is on the caller's node. Throws Refusal, or AgentClockError.
 */
export function placement(
  facts: TokenFacts,
  caller: Caller,
  item: Item,
  snapshot: ConfigSnapshot,
  now: number,
): Placement {
  checkReceipt(item.receivedAt, now);
  checkTimes(facts, item.receivedAt);
  checkPod(facts, caller);
  const identity = identityOf(item.identity);
  if (identity.trustDomain !== snapshot.trustDomain) {
    throw new Refusal('identity-mismatch', `trust domain ${identity.trustDomain}, expected ${snapshot.trustDomain}`);
  }
  const account = `${facts.namespace}/${facts.serviceAccount}`;
  if (item.target !== undefined) {
    if (!snapshot.trustedNodeAccounts.includes(account)) {
      throw new Refusal('caller-not-trusted', `${account} is not a trusted node account of the cluster`);
    }
    return { identity, level: 'token+agent' };
  }
  if (`${identity.namespace}/${identity.serviceAccount}` !== account) {
    throw new Refusal('identity-mismatch', `${account} asks for ${item.identity} without a target pod`);
  }
  return { identity, level: 'token' };
}

function checkReceipt(receivedAt: number, now: number): void {
  if (receivedAt < now - MAX_AGE) throw new Refusal('token-expired', 'received longer ago than the longest hold');
  if (receivedAt > now + MAX_AHEAD) throw new AgentClockError('received in the future');
}

/** The token and the agent must tell the same of the caller; neither wins where they differ. */
function checkPod({ namespace, serviceAccount, pod, node }: TokenFacts, caller: Caller): void {
  if (caller.pod.namespace !== namespace || caller.pod.serviceAccount !== serviceAccount) {
    throw new Refusal('identity-mismatch', `the token is of ${namespace}/${serviceAccount}, its pod is not`);
  }
  if (pod !== null && (pod.name !== caller.pod.name || pod.uid !== caller.pod.uid)) {
    throw new Refusal('identity-mismatch', `the token is of pod ${pod.name} (${pod.uid}), the agent names another`);
  }
  if (node !== null && node !== caller.node) {
    throw new Refusal('node-mismatch', `the token is of node ${node}, the agent says ${caller.node}`);
  }
}

function identityOf(text: string): Identity {
  try {
    return parseIdentity(text);
  } catch (cause) {
    if (cause instanceof PkiError) throw new Refusal('identity-mismatch', cause.message, { cause });
    throw cause;
  }
}

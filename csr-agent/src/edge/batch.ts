import type { BatchRequest, Caller, Item } from '../../../ca-service/src/client/protocol.ts';
import type { EvidencePublicKey } from '../../../ca-service/src/client/sealed_token.ts';
import type { Skew } from '../skew.ts';
import type { SealedTokens } from './sealed_tokens.ts';
import type { Waiting } from './waiting.ts';

export interface BatchContext {
  readonly bundleVersion: number;
  readonly evidenceKey: EvidencePublicKey;
  readonly tokens: SealedTokens;
  readonly skew: Skew;
}

export interface BuiltBatch {
  readonly request: BatchRequest;
  /** Hashes whose token goes along. */
  readonly sent: ReadonlySet<string>;
}

/** Writes a batch: each caller once, each token only while the edge does not know it. */
export async function buildBatch(batch: readonly Waiting[], context: BatchContext): Promise<BuiltBatch> {
  const callers: Caller[] = [];
  const indexes = new Map<string, number>();
  const sealing: Promise<void>[] = [];
  const sent = new Set<string>();
  const items = batch.map((waiting): Item => {
    const { request, csr } = waiting;
    const { caller, target } = request;
    let index = indexes.get(caller.tokenHash);
    if (index === undefined) {
      index = callers.length;
      indexes.set(caller.tokenHash, index);
      const entry = callerOf(waiting);
      callers.push(entry);
      const jwe = context.tokens.toSend(caller.tokenHash, caller.token, context.evidenceKey);
      if (jwe !== undefined) {
        sent.add(caller.tokenHash);
        sealing.push(
          jwe.then((token) => {
            entry.token = token;
          }),
        );
      }
    }
    return {
      id: request.requestId,
      caller: index,
      identity: request.identityText,
      csr,
      ttl: asSafeInteger(request.ttlSeconds),
      receivedAt: context.skew.correct(request.receivedAt),
      ...(request.impersonated ? { target: { name: target.name, uid: target.uid } } : {}),
    };
  });
  if (sealing.length > 0) await Promise.all(sealing);
  return { request: { version: 1, bundleVersion: context.bundleVersion, callers, items }, sent };
}

/** A client may ask for any int64. The wire's greatest number asks for as much, and more would refuse the whole batch. */
function asSafeInteger(seconds: number): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(seconds, Number.MAX_SAFE_INTEGER));
}

function callerOf({ request: { caller } }: Waiting): Caller {
  const { namespace, name, uid, serviceAccount, node } = caller.pod;
  return { tokenHash: caller.tokenHash, pod: { namespace, name, uid, serviceAccount }, node };
}

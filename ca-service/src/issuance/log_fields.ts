import { toHex } from '../../../pki/src/bytes.ts';
import type { Decision } from './decide.ts';
import type { Signed } from './sign.ts';

/** What the log says of each item of a batch: the request id of the agent's log and of the ledger, and why not. */
export function itemFields(decisions: readonly Decision[], signed: readonly Signed[]): Record<string, unknown>[] {
  return signed.map(({ answer, failure }, index) => {
    const decision = decisions[index];
    const issuance = decision?.status === 'sign' ? decision.issuance : null;
    return {
      id: answer.id,
      status: answer.status,
      ...(issuance === null
        ? {}
        : { identity: issuance.identity, serial: toHex(issuance.serial), podUid: issuance.podUid }),
      ...(answer.status === 'refused' ? { code: answer.code, reason: answer.reason } : {}),
      ...(failure === null ? {} : { failure }),
    };
  });
}

import type { RefusalCode } from '../client/protocol.ts';

/** A time of receipt that only a clock of the agent that was set can explain. No fault of its caller: the item is asked for again. */
export class AgentClockError extends Error {}

/** Why one item, and only it, is refused. The reason is for logs: it names claims, never the token. */
export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, reason: string, options: { cause?: unknown } = {}) {
    super(reason, options);
    this.name = 'Refusal';
    this.code = code;
  }
}

const MAX_REASON = 512;

/** A reason as it may stand in an answer and a log line: one line, bounded. */
export function printableReason(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, '\uFFFD').slice(0, MAX_REASON);
}

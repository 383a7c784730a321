import type { Log } from '../log.ts';
import type { CaFailure, ObjectErrorCode, Rpc } from './rpc.ts';

/** A failure on its way to the edge of an object, where `answer` turns it into a union. */
class ObjectError extends Error {
  readonly failure: CaFailure;

  constructor(failure: CaFailure, options?: ErrorOptions) {
    super(failure.detail, options);
    this.name = 'ObjectError';
    this.failure = failure;
  }
}

export function fail(code: ObjectErrorCode, detail: string, more: Omit<CaFailure, 'code' | 'detail'> = {}): never {
  throw new ObjectError({ code, detail, ...more });
}

/** Runs an RPC method: what was not foreseen is logged with its reason and answered `internal` with a constant text. */
export async function answer<T>(log: Log, method: string, run: () => T | Promise<T>): Promise<Rpc<T>> {
  try {
    return { ok: true, value: await run() };
  } catch (error) {
    if (error instanceof ObjectError) return { ok: false, error: error.failure };
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log('internal-error', { method, reason });
    return { ok: false, error: { code: 'internal', detail: 'the service failed; its log has the reason' } };
  }
}

/** The value of another object's answer; its failure goes on to our own caller. */
export async function expectOk<T>(reply: Promise<Rpc<T>>): Promise<T> {
  const result = await reply;
  if (!result.ok) throw new ObjectError(result.error);
  return result.value;
}

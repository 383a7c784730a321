import { type Clock, jittered } from '../clock.ts';
import type { CertificateSigner, SigningOutcome, SigningRequest } from '../steps.ts';
import type { Availability } from './availability.ts';
import { UpstreamError } from './errors.ts';
import { FairQueue } from './fair_queue.ts';
import type { Holds } from './hold.ts';
import { type Exchange, unavailable, type Verdict, type Waiting } from './waiting.ts';

export interface DispatcherOptions {
  readonly exchange: Exchange;
  readonly availability: Availability;
  readonly holds: Holds;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Runs in a later turn of the event loop, after what has arrived was read: `setImmediate`. */
  readonly soon: (run: () => void) => void;
  /** Told of an error that no step expects, and whose requests it struck. */
  readonly unforeseen: (error: unknown, requestIds: readonly string[]) => void;
}

/** With 64, the wire's limit, agent and CA take turns instead of working side by side: 10 to 30 % less. */
const BATCH = 32;
/** One costs 20 %, a third brings nothing. */
const CALLS = 2;
const MAX_WAITING = 20_000;
/** Above the longest batch of holds that end together; the accuracy of a hold's end. */
const SWEEP_MS = 250;
/** One that is on its way when its hold ends has this long for its answer, and not the deadlines of the call. */
const SENT_GRACE_MS = 1_000;
/** From then on whether the caller may still have it is asked again before sending. */
const RECHECK_AFTER_MS = 60_000;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 10_000;
/** Of calls refused whole, for an item sent alone. */
const MAX_REFUSED_ALONE = 2;

/**
 * The queue in front of the CA. Whatever waits goes in the next call, without a timer: alone when it comes alone, in
 * batches as soon as calls take longer than requests come. It never throws, and settles each request exactly once.
 */
export class Dispatcher implements CertificateSigner {
  readonly #options: DispatcherOptions;
  readonly #queue = new FairQueue<Waiting>();
  /** Everything that is not settled, whatever its place. */
  readonly #all = new Set<Waiting>();
  #calls = 0;
  /** Calls of an era that ended with an outage do not count any more: they may hang until their deadline. */
  #era = 0;
  #pumping = false;
  #cancelSweep: (() => void) | null = null;
  #stopped = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Requests not answered yet. */
  get waiting(): number {
    return this.#all.size;
  }

  sign(request: SigningRequest): Promise<SigningOutcome> {
    if (this.#stopped) return Promise.resolve(unavailable('stopping', 'the agent is stopping'));
    if (request.cancelled.aborted) return Promise.resolve(unavailable('cancelled', 'the client has gone'));
    if (this.#all.size >= MAX_WAITING) {
      return Promise.resolve(unavailable('queue-full', `${MAX_WAITING} requests wait already`));
    }
    return new Promise((resolve) => {
      const waiting = this.#admit(request, resolve);
      this.#queue.push(waiting);
      this.pumpSoon();
      this.#sweepSoon();
    });
  }

  /** Sends what waits, in a later turn of the event loop. */
  pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#options.soon(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  /** The CA has come back: calls that still hang are no longer waited for. */
  resume(): void {
    this.#era++;
    this.#calls = 0;
    this.#pump();
  }

  /** Answers whatever still waits. */
  stop(): void {
    this.#stopped = true;
    this.#cancelSweep?.();
    this.#cancelSweep = null;
    for (const waiting of this.#all) waiting.settle(unavailable('stopping', 'the agent is stopping'));
  }

  #admit(request: SigningRequest, resolve: (outcome: SigningOutcome) => void): Waiting {
    const { holds, clock } = this.#options;
    const hold = holds.of(request);
    const gone = (): void => waiting.settle(unavailable('cancelled', 'the client has gone'));
    const waiting: Waiting = {
      request,
      csr: Buffer.from(request.csr.der).toString('base64'),
      hold,
      callerKey: request.caller.pod.uid,
      dueBy: hold.dueBy,
      queuedAt: clock.now(),
      place: 'queued',
      failures: 0,
      alone: false,
      endDelay: () => {},
      settle: (outcome) => {
        if (waiting.place === 'settled') return;
        if (waiting.place === 'queued') this.#queue.remove(waiting);
        waiting.place = 'settled';
        waiting.endDelay();
        this.#all.delete(waiting);
        request.cancelled.removeEventListener('abort', gone);
        resolve(outcome);
      },
    };
    request.cancelled.addEventListener('abort', gone);
    this.#all.add(waiting);
    return waiting;
  }

  #pump(): void {
    while (this.#calls < CALLS && this.#options.availability.up && !this.#stopped) {
      const batch = this.#takeBatch();
      if (batch.length === 0) return;
      void this.#send(batch);
    }
  }

  #takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    const now = this.#options.clock.now();
    while (batch.length < BATCH) {
      const waiting = this.#queue.take();
      if (waiting === undefined) break;
      // Taken out: from here on it is not in the queue, whatever becomes of it.
      waiting.place = 'sent';
      if (this.#isSettledBeforeSending(waiting, now)) continue;
      if (!waiting.alone) {
        batch.push(waiting);
        continue;
      }
      if (batch.length === 0) return [waiting];
      waiting.place = 'queued';
      this.#queue.push(waiting);
      break;
    }
    return batch;
  }

  #isSettledBeforeSending(waiting: Waiting, now: number): boolean {
    if (now >= waiting.hold.until) {
      this.#endHold(waiting);
      return true;
    }
    if (now - waiting.queuedAt < RECHECK_AFTER_MS) return false;
    const refusal = waiting.request.recheck();
    if (refusal === null) return false;
    const { code, reason, kind } = refusal;
    waiting.settle({ ok: false, kind: kind === 'csr' || kind === 'unavailable' ? kind : 'refused', code, reason });
    return true;
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const { exchange, availability } = this.#options;
    const era = this.#era;
    this.#calls++;
    let counted = true;
    const release = (): void => {
      if (counted && era === this.#era) this.#calls--;
      counted = false;
    };
    try {
      const verdicts = await exchange.exchange(batch, () => {
        availability.succeeded();
        release();
        this.#pump();
      });
      for (const [index, waiting] of batch.entries()) this.#apply(waiting, verdicts[index]);
    } catch (error) {
      release();
      if (error instanceof UpstreamError) this.#failed(batch, error);
      else this.#struck(batch, error);
    }
    this.pumpSoon();
  }

  #apply(waiting: Waiting, verdict: Verdict | undefined): void {
    if (waiting.place === 'settled') return;
    if (verdict === undefined) this.#retry(waiting, FIRST_RETRY_MS);
    else if (verdict.kind === 'settle') waiting.settle(verdict.outcome);
    else if (verdict.trouble) this.#retry(waiting, this.#backOff(waiting));
    else this.#retry(waiting, verdict.afterMs);
  }

  #failed(batch: readonly Waiting[], error: UpstreamError): void {
    const { availability } = this.#options;
    // The CA is there and means what is in this call; it is no outage.
    if (error.refusesBody) availability.succeeded();
    else availability.failed(error);
    for (const waiting of batch) {
      if (waiting.place === 'settled') continue;
      if (error.refusesBody) {
        if (waiting.alone && waiting.failures >= MAX_REFUSED_ALONE) {
          waiting.settle(unavailable(error.problem?.code ?? error.code, error.message));
          continue;
        }
        waiting.alone = true;
      }
      this.#retry(waiting, this.#backOff(waiting));
    }
  }

  /** A fault of ours, in one of them most probably: each is tried alone from now on, so that the others get through. */
  #struck(batch: readonly Waiting[], error: unknown): void {
    this.#options.unforeseen(
      error,
      batch.map(({ request }) => request.requestId),
    );
    for (const waiting of batch) {
      if (waiting.place === 'settled') continue;
      waiting.alone = true;
      this.#retry(waiting, this.#backOff(waiting));
    }
  }

  /** ms; grows with each attempt of the item that came to nothing. */
  #backOff(waiting: Waiting): number {
    const ms = Math.min(FIRST_RETRY_MS * 2 ** waiting.failures++, LONGEST_RETRY_MS);
    return jittered(ms, 0.5, this.#options.random);
  }

  #retry(waiting: Waiting, afterMs: number): void {
    const { clock, availability } = this.#options;
    if (this.#stopped) {
      waiting.settle(unavailable('stopping', 'the agent is stopping'));
    } else if (clock.now() >= waiting.hold.until) {
      this.#endHold(waiting);
    } else if (afterMs <= 0 || !availability.up) {
      // While the CA is away the breaker paces, and at its return all go at once.
      this.#requeue(waiting);
    } else {
      waiting.place = 'delayed';
      waiting.endDelay = clock.after(afterMs, () => {
        if (waiting.place === 'delayed') this.#requeue(waiting);
        this.pumpSoon();
      });
    }
  }

  #requeue(waiting: Waiting): void {
    waiting.place = 'queued';
    this.#queue.push(waiting);
  }

  #endHold(waiting: Waiting): void {
    const { kind, until } = waiting.hold;
    const held = until - waiting.request.receivedAt;
    waiting.settle(unavailable('held-too-long', `no certificate within ${Math.round(held)} ms (${kind})`));
  }

  #sweepSoon(): void {
    if (this.#cancelSweep !== null || this.#stopped) return;
    this.#cancelSweep = this.#options.clock.after(SWEEP_MS, () => {
      this.#cancelSweep = null;
      const now = this.#options.clock.now();
      for (const waiting of this.#all) {
        const grace = waiting.place === 'sent' ? SENT_GRACE_MS : 0;
        if (now >= waiting.hold.until + grace) this.#endHold(waiting);
      }
      if (this.#all.size > 0) this.#sweepSoon();
    });
  }
}

import { type Clock, jittered } from '../clock.ts';
import { type UpstreamError, upstreamError } from './errors.ts';
import { Repeats } from './repeats.ts';

export interface AvailabilityOptions {
  /** Asks the CA something cheap that changes nothing; resolves when it answered as it should. */
  readonly probe: () => Promise<void>;
  /** Why nothing may be sent although the CA answers, or null. */
  readonly gate: () => string | null;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** It is up again: what waits may go. */
  readonly onUp: () => void;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

/** Failures in a row, without an answer between them, before calls stop. */
const THRESHOLD = 3;
/** Held requests go on within a second of the CA's return. */
const PROBE_EVERY_MS = 600;
/** A probe may hang where the next one gets through: the one before is not waited for. */
const MAX_PROBES = 8;

/**
 * The breaker in front of the CA. While it is open nothing is sent but probes, and requests are held instead of being
 * tried one by one. It opens after a few failures in a row, or at the first call that got no answer at all.
 */
export class Availability {
  readonly #options: AvailabilityOptions;
  #open = false;
  /** Since it opened, until a call succeeds again. */
  #onTrial = false;
  #awaySince = 0;
  #failures = 0;
  #probes = 0;
  #cancelProbe: (() => void) | null = null;
  #trouble = '';
  readonly #repeats = new Repeats();

  constructor(options: AvailabilityOptions) {
    this.#options = options;
  }

  /** Whether requests may be sent now. */
  get up(): boolean {
    return !this.#open && this.#options.gate() === null;
  }

  /** Why nothing is sent now, for an operator; null while requests go. */
  get trouble(): string | null {
    return this.#options.gate() ?? (this.#open ? this.#trouble : null);
  }

  /** To be called at start and whenever the gate may have changed. */
  check(): void {
    const reason = this.#options.gate();
    if (reason !== null && !this.#open) this.#trip(reason);
  }

  /** A call that was not a probe was answered as it should. */
  succeeded(): void {
    this.#failures = 0;
    if (this.#open || !this.#onTrial) return;
    this.#onTrial = false;
    this.#repeats.clear();
    const { clock, log } = this.#options;
    log.info({ awayMs: Math.round(clock.now() - this.#awaySince) }, 'the CA is back');
  }

  failed(error: UpstreamError): void {
    this.#failures++;
    if (!this.#open && (this.#failures >= THRESHOLD || error.code === 'deadline')) {
      this.#trip(`${error.code}: ${error.message}`);
    } else if (!this.#open) {
      this.#say(`${error.code}: ${error.message}`, 'a call to the CA failed');
    }
  }

  stop(): void {
    this.#cancelProbe?.();
    this.#cancelProbe = null;
    this.#open = true;
  }

  #trip(reason: string): void {
    this.#open = true;
    if (!this.#onTrial) this.#awaySince = this.#options.clock.now();
    this.#onTrial = true;
    this.#say(reason, 'requests are held');
    this.#schedule();
  }

  #schedule(): void {
    const { clock, random } = this.#options;
    this.#cancelProbe = clock.after(jittered(PROBE_EVERY_MS, 0.3, random), () => {
      this.#schedule();
      if (this.#probes < MAX_PROBES) void this.#probe();
    });
  }

  async #probe(): Promise<void> {
    this.#probes++;
    try {
      await this.#options.probe();
      const reason = this.#options.gate();
      if (reason === null) this.#close();
      else this.#say(reason, 'requests are held');
    } catch (error) {
      const failure = upstreamError(error, 'answer-malformed');
      this.#say(`${failure.code}: ${failure.message}`, 'requests are held');
    } finally {
      this.#probes--;
    }
  }

  #close(): void {
    // Stopped, or another probe was quicker.
    if (!this.#open || this.#cancelProbe === null) return;
    this.#cancelProbe();
    this.#cancelProbe = null;
    this.#open = false;
    // That it answers a probe does not prove that it issues: the next failure opens again, and only a success ends it.
    this.#failures = THRESHOLD - 1;
    this.#options.onUp();
  }

  #say(text: string, message: string): void {
    this.#trouble = text;
    const { clock, log } = this.#options;
    if (this.#repeats.isNews(`${message}: ${text}`, clock.now())) log.warn({ reason: text }, message);
  }
}

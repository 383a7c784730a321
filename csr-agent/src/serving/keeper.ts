import type { SyncCryptoPort } from '../../../pki/src/crypto/port.ts';
import { type Clock, jittered } from '../clock.ts';
import { upstreamError } from '../edge/errors.ts';
import { Repeats } from '../edge/repeats.ts';
import type { StateDir } from '../state_dir.ts';
import type { Bundle } from '../trust/bundle.ts';
import { checkServing, type ServingCertificate, type ServingMaterial } from './certificate.ts';
import { readStored, SERVING_FILE, writeStored } from './stored.ts';

export interface ServingKeeperOptions {
  /** Asks the CA for a new one. */
  readonly request: () => Promise<ServingMaterial>;
  readonly bundle: () => Bundle | null;
  /** Names that clients dial, as configured. */
  readonly names: readonly string[];
  readonly state: StateDir;
  readonly crypto: SyncCryptoPort;
  readonly clock: Clock;
  /** ms since 1970, by the CA's clock as far as it is known */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
}

const RENEW_AT = 2 / 3;
/** Without any, the agent is not ready: it tries often. With one there is time. */
const RETRY_WITHOUT_MS = 700;
const RETRY_WITH_MS = 30_000;
/** Timers of Node end at 24 days; and a clock that was set is noticed. */
const LOOK_AT_LEAST_EVERY_MS = 3_600_000;

/** Has a serving certificate, renews it at two thirds of its life, and keeps it with its key in the state folder. */
export class ServingKeeper {
  readonly #options: ServingKeeperOptions;
  readonly #listeners: ((certificate: ServingCertificate) => void)[] = [];
  readonly #repeats = new Repeats();
  #material: ServingMaterial | null = null;
  #current: ServingCertificate | null = null;
  #renewAt = -Infinity;
  #asking = false;
  #cancel: (() => void) | null = null;
  #stopped = false;

  constructor(options: ServingKeeperOptions) {
    this.#options = options;
  }

  /** Null before the first, and once it has expired. */
  get current(): ServingCertificate | null {
    return this.#current !== null && this.#options.now() < this.#current.notAfter ? this.#current : null;
  }

  onChange(listener: (certificate: ServingCertificate) => void): void {
    this.#listeners.push(listener);
  }

  /** Takes up what was stored, if it is still good under the trust that was. */
  load(): void {
    const { state, log } = this.#options;
    try {
      const text = state.read(SERVING_FILE);
      if (text === null) return;
      const material = readStored(text);
      const certificate = this.#check(material);
      if (certificate === null) return;
      this.#take(material, certificate);
      log.info(
        { notAfter: new Date(certificate.notAfter).toISOString() },
        'serving certificate taken up from the state folder',
      );
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ reason }, 'the stored serving certificate is of no use; a new one will be fetched');
    }
  }

  /** Asks for one if it is time; to be called at start, and when trust or the CA have come. */
  look(): void {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#stopped || this.#asking || this.#options.bundle() === null) return;
    const due = this.#renewAt - this.#options.now();
    if (due > 0) this.#lookIn(Math.min(due, LOOK_AT_LEAST_EVERY_MS));
    else void this.#ask();
  }

  /** The accepted trust has changed: a certificate that does not stand under it any more is replaced at once. */
  trustChanged(): void {
    if (this.#material !== null) {
      try {
        this.#check(this.#material);
      } catch (error) {
        this.#renewAt = -Infinity;
        this.#options.log.info(
          { reason: upstreamError(error, 'leaf-refused').message },
          'replacing the serving certificate',
        );
      }
    }
    this.look();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = null;
  }

  async #ask(): Promise<void> {
    const { log, random, clock } = this.#options;
    this.#asking = true;
    // Never at once: however short a life it was given, the CA is not asked in a loop.
    let wait = RETRY_WITHOUT_MS;
    try {
      const material = await this.#options.request();
      const certificate = this.#check(material);
      if (certificate === null) return;
      this.#take(material, certificate);
      this.#store(material);
      this.#repeats.clear();
      const notAfter = new Date(certificate.notAfter).toISOString();
      log.info({ names: this.#options.bundle()?.document.servingNames, notAfter }, 'serving certificate issued');
      for (const listener of this.#listeners) listener(certificate);
    } catch (error) {
      const { code, message } = upstreamError(error, 'answer-malformed');
      const reason = `${code}: ${message}`;
      const ready = this.current !== null;
      wait = jittered(ready ? RETRY_WITH_MS : RETRY_WITHOUT_MS, 0.3, random);
      if (this.#repeats.isNews(reason, clock.now())) log.warn({ reason, ready }, 'no serving certificate could be had');
    } finally {
      this.#asking = false;
      this.#lookIn(wait);
    }
  }

  #take(material: ServingMaterial, certificate: ServingCertificate): void {
    const { names, bundle, random, log } = this.#options;
    const life = certificate.notAfter - certificate.notBefore;
    this.#material = material;
    this.#current = certificate;
    this.#renewAt = certificate.notBefore + jittered(life * RENEW_AT, 0.05, random);
    const enrolled = bundle()?.document.servingNames ?? [];
    const missing = names.filter((name) => !enrolled.includes(name));
    if (missing.length > 0) log.error({ missing, enrolled }, 'names that clients dial are not enrolled at the CA');
  }

  #check(material: ServingMaterial): ServingCertificate | null {
    const { crypto, bundle, now } = this.#options;
    const trust = bundle();
    return trust === null ? null : checkServing(crypto, trust, material, now());
  }

  #store(material: ServingMaterial): void {
    const { state, log } = this.#options;
    try {
      state.write(SERVING_FILE, writeStored(material));
    } catch (error) {
      log.error(
        { err: error },
        'the serving certificate could not be stored; a restart with the CA away would not serve',
      );
    }
  }

  #lookIn(ms: number): void {
    if (this.#stopped) return;
    this.#cancel?.();
    this.#cancel = this.#options.clock.after(ms, () => this.look());
  }
}

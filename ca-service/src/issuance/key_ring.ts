import { intermediateRenewalTime } from '../../../pki/src/lifetimes.ts';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import type { Schedule } from '../storage/schedule.ts';
import { fail } from '../objects/outcome.ts';
import { Turns } from '../objects/turns.ts';
import { loadKeys, NO_KEYS, type IntermediatePurpose, type IssuerKeys } from './key_store.ts';
import { provisionAnswerKey, provisionEvidenceKey, provisionIntermediate, type Provisioning } from './provision.ts';

export type RenewableKey = IntermediatePurpose | 'answer';

export interface KeyRingOptions extends Provisioning {
  schedule: Schedule;
  /** s; the longest life a leaf may have now */
  maximumTtl: () => number;
}

/** The keys of a cluster as they are now: opened from the store, made when missing, renewed by schedule. */
export class KeyRing {
  readonly #options: KeyRingOptions;
  #keys: IssuerKeys = NO_KEYS;
  readonly #turns = new Turns();

  constructor(options: KeyRingOptions) {
    this.#options = options;
  }

  get keys(): IssuerKeys {
    return this.#keys;
  }

  get ready(): boolean {
    const { svid, serving, answer, evidence } = this.#keys;
    return svid !== null && serving !== null && answer !== null && evidence !== null;
  }

  async load(): Promise<void> {
    const { storage, vault, place, now } = this.#options;
    this.#keys = await loadKeys(storage.sql, vault, place, now());
  }

  /** Makes what is missing. An intermediate that exists is never made again here. */
  ensure(): Promise<void> {
    return this.#turns.take(async () => {
      if (this.#keys.evidence === null) await provisionEvidenceKey(this.#options);
      for (const purpose of ['svid', 'serving'] as const) {
        if (this.#keys[purpose] === null) await provisionIntermediate(this.#options, purpose);
      }
      await this.load();
      if (this.#keys.answer === null) await this.#makeAnswerKey();
      this.planRenewals();
    });
  }

  /** Replaces a key when it is time, and answers when that will be the next time (ms). Running it twice makes one. */
  renew(key: RenewableKey): Promise<number> {
    return this.#turns.take(async () => {
      if (this.renewalOf(key) > this.#options.now()) return this.renewalOf(key);
      if (key === 'answer') await this.#makeAnswerKey();
      else await provisionIntermediate(this.#options, key);
      await this.load();
      return this.renewalOf(key);
    });
  }

  planRenewals(): void {
    for (const key of ['svid', 'serving', 'answer'] as const) {
      this.#options.schedule.plan(`renew:${key}`, this.renewalOf(key));
    }
  }

  /** ms since 1970; the present when the key does not exist. */
  renewalOf(key: RenewableKey): number {
    const { answer } = this.#keys;
    if (key !== 'answer') {
      const intermediate = this.#keys[key];
      return intermediate === null
        ? this.#options.now()
        : intermediateRenewalTime(intermediate.template, this.#options.maximumTtl());
    }
    // What it signs is checked at once, so nothing has to outlive it.
    return answer === null ? this.#options.now() : intermediateRenewalTime(parseCertificate(answer.certificate), 0);
  }

  async #makeAnswerKey(): Promise<void> {
    await provisionAnswerKey(
      this.#options,
      this.#keys.serving ?? fail('not-ready', 'there is no serving intermediate'),
    );
    await this.load();
  }
}

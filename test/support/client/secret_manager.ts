import { GrpcError } from '../wire/channel.ts';
import { ReplyError, type WorkloadCertificate } from './reply.ts';
import { Backoff, refreshAt } from './schedule.ts';

export type SecretState =
  | { state: 'Initializing' }
  | { state: 'Available'; certificate: WorkloadCertificate }
  | { state: 'Unavailable'; reason: string };

export interface SecretManagerOptions {
  fetch: (identity: string) => Promise<WorkloadCertificate>;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Uniform in [0, 1). */
  random: () => number;
  /** 1.27 throws a good certificate away when a renewal fails; later releases keep it while it is valid (get_existing_cert_info). */
  retains: boolean;
}

interface Entry {
  secret: SecretState;
  dueAt: number;
  backoff: Backoff | undefined;
}

/** ztunnel's Worker without its timers (src/identity/manager.rs): the caller decides when to look at what is due. */
export class SecretManager {
  readonly #options: SecretManagerOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: SecretManagerOptions) {
    this.#options = options;
  }

  want(identity: string): void {
    if (this.#entries.has(identity)) return;
    this.#entries.set(identity, { secret: { state: 'Initializing' }, dueAt: this.#options.now(), backoff: undefined });
  }

  secret(identity: string): SecretState {
    return this.#entries.get(identity)?.secret ?? { state: 'Initializing' };
  }

  /** When this identity is asked for next, in milliseconds since 1970. */
  dueAt(identity: string): number {
    return this.#entries.get(identity)?.dueAt ?? Number.POSITIVE_INFINITY;
  }

  /** Fetches what is due, one after another as the prefetch does; the result of each is a state and never an exception. */
  async run(): Promise<number> {
    let fetched = 0;
    for (const [identity, entry] of this.#entries) {
      if (entry.dueAt > this.#options.now()) continue;
      fetched++;
      await this.#fetch(identity, entry);
    }
    return fetched;
  }

  async #fetch(identity: string, entry: Entry): Promise<void> {
    try {
      const certificate = await this.#options.fetch(identity);
      entry.secret = { state: 'Available', certificate };
      entry.dueAt = refreshAt(certificate.leaf.validFromDate.getTime(), certificate.leaf.validToDate.getTime());
      entry.backoff = undefined;
    } catch (error) {
      const now = this.#options.now();
      entry.backoff ??= new Backoff(now, this.#options.random);
      entry.dueAt = now + entry.backoff.next(now);
      const expiry = entry.secret.state === 'Available' ? entry.secret.certificate.leaf.validToDate.getTime() : 0;
      if (this.#options.retains && now < expiry) entry.dueAt = Math.min(entry.dueAt, expiry);
      else entry.secret = { state: 'Unavailable', reason: reasonOf(error) };
    }
  }
}

/** What config_dump publishes: the status and its text (experiments §4). */
function reasonOf(error: unknown): string {
  if (error instanceof GrpcError) return `signing gRPC error (${error.code}): ${error.message}`;
  if (error instanceof ReplyError) return `${error.fault}: ${error.message}`;
  throw error;
}

import {
  decodeTrustDocument,
  encodeTrustDocument,
  type TrustDocument,
} from '../../../ca-service/src/client/protocol.ts';
import { WireError } from '../../../ca-service/src/client/wire_error.ts';
import type { SyncCryptoPort } from '../../../pki/src/crypto/port.ts';
import type { StateDir } from '../state_dir.ts';
import { acceptBundle } from './accept.ts';
import { type AnswerKey, answerKeyOf } from './answer_key.ts';
import { type Bundle, readBundle } from './bundle.ts';
import { changesBetween } from './changes.ts';
import { TrustError } from './errors.ts';

/** A bundle that would be accepted, were the answer it came in signed by this key. */
export interface Candidate {
  readonly bundle: Bundle;
  readonly answerKey: AnswerKey;
  /** What it was held against. */
  readonly held: Bundle | null;
}

export interface TrustStoreOptions {
  readonly trustDomain: string;
  readonly cluster: string;
  /** Lower-case hex SHA-256 of root DER. */
  readonly pins: readonly string[];
  readonly state: StateDir;
  readonly crypto: SyncCryptoPort;
  /** ms since 1970, by the CA's clock as far as it is known */
  readonly now: () => number;
  readonly log: {
    info(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
}

const FILE = 'trust.json';

/**
 * The bundle the agent hands out and believes by, kept in the state folder so that it serves with the CA away. The pins
 * count only while nothing is stored: a file that cannot be read stops the agent, for it must not fall back to them.
 */
export class TrustStore {
  readonly #options: TrustStoreOptions;
  readonly #pins: ReadonlySet<string>;
  readonly #listeners: ((bundle: Bundle) => void)[] = [];
  #bundle: Bundle | null = null;
  #answerKey: AnswerKey | null = null;
  #stored = '';

  constructor(options: TrustStoreOptions) {
    this.#options = options;
    this.#pins = new Set(options.pins);
  }

  /** Null before the first acceptance. */
  get bundle(): Bundle | null {
    return this.#bundle;
  }

  onChange(listener: (bundle: Bundle) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Takes up what was stored; its roots were accepted then.
   *
   * @throws TrustError `state-unreadable`, `trust-foreign`
   */
  load(): void {
    const { state, trustDomain, cluster, log } = this.#options;
    const text = state.read(FILE);
    if (text === null) return;
    const bundle = parseStored(text);
    const { document } = bundle;
    if (document.trustDomain !== trustDomain || document.cluster !== cluster) {
      const whose = `${document.cluster} of ${document.trustDomain}`;
      throw new TrustError(
        'trust-foreign',
        `${FILE} in the state folder is for ${whose}: give each agent its own folder`,
      );
    }
    this.#stored = text;
    this.#put(bundle, null);
    log.info(changesBetween(null, bundle), 'trust taken up from the state folder');
  }

  /** The key of that id that signs answers, if its chain is valid now. */
  answerKey(keyid: string): AnswerKey | null {
    const { crypto, now } = this.#options;
    const bundle = this.#bundle;
    if (bundle === null) return null;
    if (this.#answerKey === null || this.#answerKey.validUntil < now()) {
      try {
        this.#answerKey = answerKeyOf(crypto, bundle, now());
      } catch (error) {
        if (error instanceof TrustError) return null;
        throw error;
      }
    }
    return this.#answerKey.keyid === keyid ? this.#answerKey : null;
  }

  /**
   * Reads the body of an answer as a trust document and judges it, all but the signature; null when it is none.
   *
   * @throws TrustError
   */
  judge(body: Uint8Array): Candidate | null {
    const document = readDocument(body);
    if (document === null) return null;
    const bundle = readBundle(document);
    this.#accept(bundle);
    const answerKey = answerKeyOf(this.#options.crypto, bundle, this.#options.now());
    return { bundle, answerKey, held: this.#bundle };
  }

  /**
   * Takes a candidate whose answer was signed by its own key or by the one before.
   *
   * @throws TrustError when another was adopted meanwhile that it does not stand against
   */
  adopt({ bundle, answerKey, held }: Candidate): void {
    const { log } = this.#options;
    if (held !== this.#bundle) this.#accept(bundle);
    const changes = changesBetween(this.#bundle, bundle);
    const changed = Object.keys(changes).length > 0;
    if (!changed && this.#bundle !== null) return;
    this.#keep(bundle.document);
    this.#put(bundle, answerKey);
    log.info(changes, 'trust changed');
    for (const listener of this.#listeners) listener(bundle);
  }

  #accept(bundle: Bundle): void {
    const { crypto, trustDomain, cluster, now } = this.#options;
    acceptBundle(bundle, { crypto, trustDomain, cluster, pins: this.#pins, held: this.#bundle, now: now() });
  }

  #put(bundle: Bundle, answerKey: AnswerKey | null): void {
    this.#bundle = bundle;
    this.#answerKey = answerKey;
  }

  /** A full disk must not stop issuance; it costs the restart with the CA away, and says so. */
  #keep(document: TrustDocument): void {
    const { state, log } = this.#options;
    const text = `${JSON.stringify({ version: 1, document })}\n`;
    if (text === this.#stored) return;
    try {
      state.write(FILE, text);
      this.#stored = text;
    } catch (error) {
      log.error({ err: error }, 'the accepted trust could not be stored; a restart with the CA away would not serve');
    }
  }
}

function readDocument(body: Uint8Array): TrustDocument | null {
  try {
    return decodeTrustDocument(body);
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}

function parseStored(text: string): Bundle {
  try {
    const { version, document } = JSON.parse(text) as { version?: unknown; document?: unknown };
    if (version !== 1) throw new Error(`version ${String(version)}, expected 1`);
    return readBundle(decodeTrustDocument(encodeTrustDocument(document as TrustDocument)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TrustError(
      'state-unreadable',
      `${FILE} in the state folder cannot be read (${reason}): restore it, or remove it to start from the pins again`,
      { cause },
    );
  }
}

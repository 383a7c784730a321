import { type EvidencePublicKey, sealToken } from '../../../ca-service/src/client/sealed_token.ts';

interface Sealed {
  readonly kid: string;
  /** Settled once and for all: a token is sealed once for each evidence key. */
  readonly jwe: Promise<string>;
  /** Whether the edge has taken it and answers to its hash. */
  known: boolean;
}

/** Sealed tokens kept, about 2 KiB each. */
const MAX_TOKENS = 4_096;

/**
 * Callers' tokens, sealed to the cluster's evidence key. A token travels until an answer shows that the edge knows it,
 * and again when the edge asks; otherwise its hash stands for it.
 */
export class SealedTokens {
  readonly #sealed = new Map<string, Sealed>();
  readonly #seal: typeof sealToken;
  #boot = '';

  constructor(seal: typeof sealToken = sealToken) {
    this.#seal = seal;
  }

  /** The JWE to send along, or undefined while the edge knows the hash. */
  toSend(hash: string, token: string, key: EvidencePublicKey): Promise<string> | undefined {
    let sealed = this.#sealed.get(hash);
    if (sealed?.kid !== key.kid) {
      sealed = { kid: key.kid, jwe: this.#seal(token, key), known: false };
      // A failure is for whoever awaits it to report; the next call seals anew.
      sealed.jwe.catch(() => this.#sealed.delete(hash));
      this.#remember(hash, sealed);
    }
    return sealed.known ? undefined : sealed.jwe;
  }

  taken(hash: string): void {
    const sealed = this.#sealed.get(hash);
    if (sealed !== undefined) sealed.known = true;
  }

  /** The edge has forgotten it. */
  needed(hash: string): void {
    const sealed = this.#sealed.get(hash);
    if (sealed !== undefined) sealed.known = false;
  }

  /** A CA that has started anew knows no tokens; to send them at once saves it asking. */
  bootIs(boot: string): void {
    if (boot === this.#boot) return;
    this.#boot = boot;
    for (const sealed of this.#sealed.values()) sealed.known = false;
  }

  #remember(hash: string, sealed: Sealed): void {
    this.#sealed.delete(hash);
    this.#sealed.set(hash, sealed);
    if (this.#sealed.size <= MAX_TOKENS) return;
    for (const oldest of this.#sealed.keys()) {
      this.#sealed.delete(oldest);
      return;
    }
  }
}

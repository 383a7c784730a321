import { hash } from 'node:crypto';
import { pass, refuse, unauthenticated, unavailable, type Step } from '../refusal.ts';
import type { Caller, PodIndex, PodRef } from '../steps.ts';
import { LEEWAY_SECONDS, readClaims, type WorkloadClaims } from './claims.ts';
import type { KeySets } from './key_sets.ts';

/** Verified tokens remembered; one per pod that asks, and a ztunnel asks with one for its whole node. */
const MAX_TOKENS = 20_000;
/** A Kubernetes token has about 1 KiB. */
const MAX_TOKEN_CHARACTERS = 8_192;
const BEARER = /^bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)\s*$/i;

export interface AuthenticatorOptions {
  readonly keySets: Pick<KeySets, 'verify' | 'revision'>;
  readonly pods: PodIndex;
  readonly audience: string;
  /** ms since 1970 */
  readonly now: () => number;
}

/**
 * Authenticates a caller by its service-account token. A signature is verified once per token; expiry, and whether the
 * pod still lives, at every request: a cached verdict must not outlive the pod.
 */
export class TokenAuthenticator {
  readonly #options: AuthenticatorOptions;
  /** In order of use, so that the first is the one to forget. */
  readonly #verified = new Map<string, WorkloadClaims>();
  readonly #verifying = new Map<string, Promise<Step<WorkloadClaims>>>();
  #revision = 0;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /** @param authorization every value of the metadata `authorization`; exactly one is expected */
  authenticate(authorization: readonly string[]): Step<Caller> | Promise<Step<Caller>> {
    const [value, ...more] = authorization;
    if (value === undefined) return refuse(unauthenticated('token-missing', 'no bearer token'));
    if (more.length > 0) return refuse(unauthenticated('token-repeated', 'more than one authorization value'));
    if (value.length > MAX_TOKEN_CHARACTERS) return refuse(unauthenticated('token-size', 'token of more than 8 KiB'));
    const token = BEARER.exec(value)?.[1];
    if (token === undefined)
      return refuse(unauthenticated('token-malformed', 'authorization that is not a bearer JWT'));
    this.#forgetOtherKeys();
    const tokenHash = hash('sha256', token, 'base64url');
    const known = this.#verified.get(tokenHash);
    return known === undefined ? this.#authenticateNew(token, tokenHash) : this.#admit(token, tokenHash, known);
  }

  /** A key that is trusted no longer takes the verdicts it gave with it. */
  #forgetOtherKeys(): void {
    const { revision } = this.#options.keySets;
    if (revision === this.#revision) return;
    this.#revision = revision;
    this.#verified.clear();
    this.#verifying.clear();
  }

  async #authenticateNew(token: string, tokenHash: string): Promise<Step<Caller>> {
    // A ztunnel that starts sends eight requests at once with the one token of its node.
    let verifying = this.#verifying.get(tokenHash);
    if (verifying === undefined) {
      verifying = this.#verify(token).finally(() => this.#verifying.delete(tokenHash));
      this.#verifying.set(tokenHash, verifying);
    }
    const verified = await verifying;
    if (this.#options.keySets.revision !== this.#revision) {
      this.#forgetOtherKeys();
      return this.#authenticateNew(token, tokenHash);
    }
    return verified.ok ? this.#admit(token, tokenHash, verified.value) : verified;
  }

  async #verify(token: string): Promise<Step<WorkloadClaims>> {
    const { keySets, audience } = this.#options;
    const verdict = await keySets.verify(token);
    if ('fault' in verdict) return refuse(unauthenticated('token-invalid', verdict.fault));
    const claims = readClaims(verdict.payload, audience);
    return typeof claims === 'string' ? refuse(unauthenticated('token-claims', claims)) : pass(claims);
  }

  /** What is checked at every request with a token that was verified once. */
  #admit(token: string, tokenHash: string, claims: WorkloadClaims): Step<Caller> {
    const seconds = this.#options.now() / 1000;
    this.#verified.delete(tokenHash);
    if (claims.expiresAt <= seconds) return refuse(unauthenticated('token-expired', 'token that has expired'));
    if (claims.notBefore > seconds + LEEWAY_SECONDS) {
      return refuse(unauthenticated('token-early', 'token that is not valid yet; is a clock wrong?'));
    }
    this.#remember(tokenHash, claims);
    const bound = this.#podOf(claims);
    if (!bound.ok) return bound;
    const { namespace, serviceAccount, expiresAt } = claims;
    return pass({ token, tokenHash, namespace, serviceAccount, pod: bound.value, expiresAt });
  }

  /** The live pod that a token is bound to, and that it really is the pod the token tells of. */
  #podOf(claims: Omit<WorkloadClaims, 'notBefore' | 'expiresAt'>): Step<PodRef> {
    const { pods } = this.#options;
    if (!pods.synced) return refuse(unavailable('pods-unknown', 'the list of pods is not complete yet'));
    const pod = pods.byUid(claims.podUid);
    if (pod === undefined) return refuse(unauthenticated('pod-gone', `no pod with uid ${claims.podUid} is alive`));
    if (
      pod.namespace !== claims.namespace ||
      pod.name !== claims.podName ||
      pod.serviceAccount !== claims.serviceAccount
    ) {
      return refuse(unauthenticated('pod-mismatch', `pod ${pod.namespace}/${pod.name} is not the one of the token`));
    }
    if (claims.node !== null && claims.node !== pod.node) {
      return refuse(
        unauthenticated('node-mismatch', `pod runs on ${pod.node}, the token was issued for ${claims.node}`),
      );
    }
    return pass(pod);
  }

  #remember(tokenHash: string, claims: WorkloadClaims): void {
    if (this.#verified.size >= MAX_TOKENS) {
      const [oldest] = this.#verified.keys();
      if (oldest !== undefined) this.#verified.delete(oldest);
    }
    this.#verified.set(tokenHash, claims);
  }

  /**
   * After a hold: whether the caller's pod still lives, is the same and is where it was. The token may have expired
   * since; what counts for it, at the edge too, is the time of receipt.
   */
  recheck(caller: Caller): Step<Caller> {
    const { namespace, serviceAccount, pod } = caller;
    const bound = this.#podOf({ namespace, serviceAccount, podName: pod.name, podUid: pod.uid, node: pod.node });
    return bound.ok ? pass(caller) : bound;
  }
}

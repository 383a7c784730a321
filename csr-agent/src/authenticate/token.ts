import { hash } from 'node:crypto';
import { pass, refuse, unauthenticated, unavailable, type Step } from '../refusal.ts';
import type { Caller, PodIndex } from '../steps.ts';
import { LEEWAY_SECONDS, readClaims, type WorkloadClaims } from './claims.ts';
import type { KeySets } from './key_sets.ts';

/** Verified tokens remembered; one per pod that asks, and a ztunnel asks with one for its whole node. */
const MAX_TOKENS = 20_000;
/** A Kubernetes token has about 1 KiB. */
const MAX_TOKEN_CHARACTERS = 8_192;
const BEARER = /^bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)\s*$/i;

export interface AuthenticatorOptions {
  readonly keySets: Pick<KeySets, 'verify'>;
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
  readonly #verified = new Map<string, WorkloadClaims>();

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
    const tokenHash = hash('sha256', token, 'base64url');
    const known = this.#verified.get(tokenHash);
    return known === undefined ? this.#verify(token, tokenHash) : this.alive(token, tokenHash, known);
  }

  async #verify(token: string, tokenHash: string): Promise<Step<Caller>> {
    const { keySets, audience } = this.#options;
    const verdict = await keySets.verify(token);
    if ('fault' in verdict) return refuse(unauthenticated('token-invalid', verdict.fault));
    const claims = readClaims(verdict.payload, audience);
    if (typeof claims === 'string') return refuse(unauthenticated('token-claims', claims));
    const checked = this.alive(token, tokenHash, claims);
    if (checked.ok) this.#remember(tokenHash, claims);
    return checked;
  }

  /** What is checked at every request, and again after a hold. */
  alive(token: string, tokenHash: string, claims: WorkloadClaims): Step<Caller> {
    const { pods, now } = this.#options;
    const seconds = now() / 1000;
    if (claims.expiresAt <= seconds) return refuse(unauthenticated('token-expired', 'token that has expired'));
    if (claims.notBefore > seconds + LEEWAY_SECONDS) {
      return refuse(unauthenticated('token-early', 'token that is not valid yet; is a clock wrong?'));
    }
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
    const { namespace, serviceAccount, expiresAt } = claims;
    return pass({ token, tokenHash, namespace, serviceAccount, pod, expiresAt });
  }

  #remember(tokenHash: string, claims: WorkloadClaims): void {
    if (this.#verified.size >= MAX_TOKENS) {
      const [oldest] = this.#verified.keys();
      if (oldest !== undefined) this.#verified.delete(oldest);
    }
    this.#verified.set(tokenHash, claims);
  }

  /** The same caller again, by the token that was accepted before: null while it still holds, else why not. */
  recheck(caller: Caller): Step<Caller> {
    const claims = this.#verified.get(caller.tokenHash);
    if (claims === undefined) return pass(caller);
    return this.alive(caller.token, caller.tokenHash, claims);
  }
}

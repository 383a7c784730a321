import { parseIdentity, type Identity } from '../../../pki/src/spiffe_id.ts';
import { impersonation, pass, refuse, type Step } from '../refusal.ts';
import type { Caller, PodIndex, PodRef } from '../steps.ts';

export interface AuthorizerOptions {
  readonly trustDomain: string;
  /** `namespace/name` of the accounts that may ask on behalf of the pods of their node. */
  readonly trustedNodeAccounts: readonly string[];
  readonly pods: PodIndex;
}

export interface Authorization {
  readonly identity: Identity;
  readonly target: PodRef;
  readonly impersonated: boolean;
}

/**
 * Who may have which identity: a caller its own, and a trusted node account that of a service account with a live pod
 * on the caller's node (as istiod's node authorizer, and the trust domain compared, which it forgets).
 */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #trusted: ReadonlySet<string>;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
    this.#trusted = new Set(options.trustedNodeAccounts);
  }

  authorize(caller: Caller, impersonated: string | null): Step<Authorization> {
    const { trustDomain } = this.#options;
    const { namespace, serviceAccount, pod } = caller;
    if (impersonated === null) {
      return pass({ identity: { trustDomain, namespace, serviceAccount }, target: pod, impersonated: false });
    }
    if (!this.#trusted.has(`${namespace}/${serviceAccount}`)) {
      return refuse(
        impersonation('caller-not-trusted', `${namespace}/${serviceAccount} is not a trusted node account`),
      );
    }
    let identity: Identity;
    try {
      identity = parseIdentity(impersonated);
    } catch (error) {
      return refuse(impersonation('identity-malformed', error instanceof Error ? error.message : 'not an identity'));
    }
    if (identity.trustDomain !== trustDomain) {
      return refuse(impersonation('trust-domain', `trust domain ${identity.trustDomain}, expected ${trustDomain}`));
    }
    const [target] = this.#options.pods.onNode(pod.node, identity.namespace, identity.serviceAccount);
    if (target === undefined) {
      const account = `${identity.namespace}/${identity.serviceAccount}`;
      return refuse(impersonation('not-on-node', `no live pod of ${account} on node ${pod.node}`));
    }
    return pass({ identity, target, impersonated: true });
  }
}

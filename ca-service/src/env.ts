import type { ClusterIssuer } from './objects/cluster_issuer.ts';
import type { Directory } from './objects/directory.ts';
import type { TrustDomain } from './objects/trust_domain.ts';

declare global {
  namespace Cloudflare {
    interface Env {
      DIRECTORY: DurableObjectNamespace<Directory>;
      TRUST_DOMAIN: DurableObjectNamespace<TrustDomain>;
      CLUSTER_ISSUER: DurableObjectNamespace<ClusterIssuer>;
      /** Secret: `{"current":"1","keys":{"1":"<base64 of 32 octets>"}}`. */
      KEK?: string;
      /** Secret: lets its holder bootstrap, once. */
      BOOTSTRAP_TOKEN?: string;
      /** Where agents reach this deployment, without a trailing slash: part of what they sign. */
      CA_URL?: string;
      /** The instance this deployment must find in its directory; set after bootstrap. */
      INSTANCE_ID?: string;
      /** `dev` allows lifetimes that are too short for production. */
      ENVIRONMENT?: string;
    }
  }
}

/** Bindings and settings of a deployment. */
export type Env = Cloudflare.Env;

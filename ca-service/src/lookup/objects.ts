import type { Env } from '../env.ts';
import type { ClusterIssuerRpc, DirectoryRpc, Remote, TrustDomainRpc } from '../objects/rpc.ts';

/** The objects as the Worker reaches them. Stubs belong to one request: none is kept. */
export interface Objects {
  directory(): Remote<DirectoryRpc>;
  /** By the id that the directory recorded, never by a name that a client sent. */
  trustDomain(objectId: string): Remote<TrustDomainRpc>;
  clusterIssuer(objectId: string): Remote<ClusterIssuerRpc>;
}

export function objectsOf(env: Env): Objects {
  return {
    directory: () => env.DIRECTORY.get(env.DIRECTORY.idFromName('directory')),
    trustDomain: (objectId) => env.TRUST_DOMAIN.get(env.TRUST_DOMAIN.idFromString(objectId)),
    clusterIssuer: (objectId) => env.CLUSTER_ISSUER.get(env.CLUSTER_ISSUER.idFromString(objectId)),
  };
}

import { readFileSync } from 'node:fs';
import type { AdminApi } from '../ca/api.ts';
import type { Cluster, ClusterInput, Root } from '../ca/types.ts';
import { readJwks } from '../commands/enrolment.ts';
import { CliError } from '../errors.ts';
import type { DevPaths } from './paths.ts';
import { ZTUNNEL_ACCOUNTS } from './pods.ts';
import type { DevSettings } from './settings.ts';

export const TRUST_DOMAIN = 'cluster.local';
export const CLUSTER = 'dev';
/** What a default Istio sends as `clusterid`. */
export const CLUSTER_ID = 'Kubernetes';
export const TOKEN_AUDIENCE = 'istio-ca';
export const AGENT_ACCOUNT = 'ambient-ca/ambient-ca-agent';

/** The agent's own name first; then loopback for clients here, and istiod's, which pilot-agent expects behind its default settings. */
export const SERVING_NAMES = ['ambient-ca-agent.ambient-ca.svc', 'localhost', 'istiod.istio-system.svc'];

/** The name that a client on this machine asks for. */
export const SERVER_NAME = 'localhost';

export function developmentCluster(paths: DevPaths, settings: DevSettings): ClusterInput {
  return {
    name: CLUSTER,
    clusterId: CLUSTER_ID,
    region: 'auto',
    tokenIssuer: settings.issuer,
    tokenAudience: TOKEN_AUDIENCE,
    jwks: readJwks(paths.tokenJwks, 'state'),
    agentAccount: AGENT_ACCOUNT,
    namespaces: ['*'],
    servingNames: SERVING_NAMES,
    ttl: {
      floor: settings.minTtlSeconds,
      default: Math.max(86_400, settings.minTtlSeconds),
      maximum: Math.max(7 * 86_400, settings.minTtlSeconds),
    },
    trustedNodeAccounts: ZTUNNEL_ACCOUNTS,
  };
}

export interface Provisioned {
  roots: Root[];
  cluster: Cluster;
  /** What had to be made; empty on a later start. */
  made: string[];
}

/** Creates what is missing of trust domain, root and cluster. Repeating it changes nothing. */
export async function provision(api: AdminApi, input: ClusterInput): Promise<Provisioned> {
  const made: string[] = [];
  const domains = await api.listTrustDomains();
  if (!domains.some(({ name }) => name === TRUST_DOMAIN)) {
    await api.createTrustDomain(TRUST_DOMAIN);
    made.push(`trust domain ${TRUST_DOMAIN}`);
  }
  let roots = await api.listRoots(TRUST_DOMAIN);
  if (roots.length === 0) {
    roots = [await api.createRoot(TRUST_DOMAIN, { keyType: 'ec-p256', name: 'development' })];
    made.push('root');
  }
  const clusters = await api.listClusters(TRUST_DOMAIN);
  let cluster = clusters.find(({ name }) => name === input.name);
  if (cluster === undefined) {
    cluster = await api.enrolCluster(TRUST_DOMAIN, input);
    made.push(`cluster ${input.name}`);
  }
  return { roots, cluster, made };
}

/** Reads the admin token of an environment that was bootstrapped before. */
export function adminToken(paths: DevPaths): string {
  try {
    return readFileSync(paths.adminToken, 'utf8').trim();
  } catch (cause) {
    throw new CliError('dev-state', `${paths.adminToken} is gone, and a CA gives its first token only once`, {
      next: `remove ${paths.dir} to start anew`,
      cause,
    });
  }
}

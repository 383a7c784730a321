import type { DevDescriptor } from '../../../cli/src/dev/descriptor.ts';
import type { DevPaths } from '../../../cli/src/dev/paths.ts';

/** What a ready environment on `paths` writes. */
export function aDescriptor(paths: DevPaths): DevDescriptor {
  return {
    trustDomain: 'cluster.local',
    cluster: 'dev',
    clusterId: 'Kubernetes',
    agent: {
      address: '127.0.0.1:7443',
      serverName: 'localhost',
      rootCert: paths.agentRoot,
      pid: 11,
      health: 'http://127.0.0.1:7445/readyz',
      metrics: 'http://127.0.0.1:7446/metrics',
    },
    ca: { url: 'http://127.0.0.1:7444', adminTokenFile: paths.adminToken, pid: 12 },
    tokens: { issuer: 'https://kubernetes.default.svc', audience: 'istio-ca', keyFile: paths.tokenKey, alg: 'ES256' },
    pods: paths.pods,
  };
}

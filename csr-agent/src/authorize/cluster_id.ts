import { pass, refuse, unauthenticated, type Step } from '../refusal.ts';

/**
 * Istio clients state the cluster they think they are in. None, or the empty one of a client that was told none, is fine, as it
 * is to istiod and istio-csr; another, or two of them, is not.
 */
export function checkClusterId(values: readonly string[], own: string): Step<null> {
  const [stated = '', ...more] = values;
  if (more.length === 0 && (stated === '' || stated === own)) return pass(null);
  const found = values.length > 1 ? `${values.length} values` : JSON.stringify(stated.slice(0, 64));
  return refuse(unauthenticated('cluster-id', `clusterid with ${found}, expected none or ${JSON.stringify(own)}`));
}

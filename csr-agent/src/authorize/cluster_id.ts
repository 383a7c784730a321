import { pass, refuse, unauthenticated, type Step } from '../refusal.ts';

/** Istio clients state the cluster they think they are in; absent is fine, another one or two of them is not. */
export function checkClusterId(values: readonly string[], own: string): Step<null> {
  if (values.length === 0 || (values.length === 1 && values[0] === own)) return pass(null);
  const found = values.length > 1 ? `${values.length} values` : JSON.stringify(values[0]?.slice(0, 64));
  return refuse(unauthenticated('cluster-id', `clusterid with ${found}, expected none or ${JSON.stringify(own)}`));
}

import { z } from 'zod';
import { CliError } from '../errors.ts';
import { readInput } from '../io.ts';
import { nearest } from '../suggest.ts';
import { stableUid } from './stable_uid.ts';

export interface Pod {
  namespace: string;
  name: string;
  uid: string;
  serviceAccount: string;
  node: string;
}

const text = z.string().min(1);
const schema = z.array(z.strictObject({ namespace: text, name: text, uid: text, serviceAccount: text, node: text }));

/** Accounts that ztunnel runs as: upstream, OpenShift's operator, and its namespace of its own. */
export const ZTUNNEL_ACCOUNTS = ['istio-system/ztunnel', 'kube-system/ztunnel', 'ztunnel/ztunnel'];

/** The made-up cluster of a first start: a ztunnel on each of two nodes, and Istio's example application. */
export function examplePods(): Pod[] {
  const rows: readonly (readonly [string, string, string, string])[] = [
    ['istio-system', 'ztunnel-node-a', 'ztunnel', 'node-a'],
    ['istio-system', 'ztunnel-node-b', 'ztunnel', 'node-b'],
    ['bookinfo', 'productpage-v1', 'productpage', 'node-a'],
    ['bookinfo', 'details-v1', 'details', 'node-a'],
    ['bookinfo', 'ratings-v1', 'ratings', 'node-b'],
    ['bookinfo', 'reviews-v1', 'reviews', 'node-a'],
    ['bookinfo', 'reviews-v2', 'reviews', 'node-b'],
    ['bookinfo', 'waypoint', 'waypoint', 'node-b'],
  ];
  return rows.map(([namespace, name, serviceAccount, node]) => ({
    namespace,
    name,
    uid: stableUid(`pod/${namespace}/${name}`),
    serviceAccount,
    node,
  }));
}

/** @throws CliError `input-file` */
export function readPods(path: string, option = '--pods'): Pod[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readInput(path, option));
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError('input-file', `${option}: ${path} is not JSON`, { next: SHAPE, cause });
  }
  const pods = schema.safeParse(parsed);
  if (pods.success) return pods.data;
  const faults = pods.error.issues.map((i) => `\n  - ${i.path.map(String).join('.') || 'file'}: ${i.message}`).join('');
  throw new CliError('input-file', `${option}: ${path} is not a list of pods${faults}`, { next: SHAPE });
}

const SHAPE = 'it is a JSON array of {"namespace", "name", "uid", "serviceAccount", "node"}';

/** The pod that runs as an account: the named one, or the first. @throws CliError `unknown-pod` */
export function findPod(pods: readonly Pod[], account: { namespace: string; name: string }, podName?: string): Pod {
  const typed = `${account.namespace}/${account.name}`;
  const running = pods.filter((p) => p.namespace === account.namespace && p.serviceAccount === account.name);
  const [first] = running;
  if (first === undefined) {
    const accounts = [...new Set(pods.map((p) => `${p.namespace}/${p.serviceAccount}`))];
    const near = nearest(typed, accounts);
    throw new CliError('unknown-pod', `no pod runs as ${typed}`, {
      next: near === undefined ? `accounts with pods: ${accounts.join(', ') || 'none'}` : `did you mean ${near}?`,
    });
  }
  if (podName === undefined) return first;
  const named = running.find((p) => p.name === podName);
  if (named === undefined) {
    const names = running.map((p) => p.name);
    const near = nearest(podName, names);
    throw new CliError('unknown-pod', `no pod ${podName} runs as ${typed}`, {
      next: near === undefined ? `its pods: ${names.join(', ')}` : `did you mean ${near}?`,
    });
  }
  return named;
}

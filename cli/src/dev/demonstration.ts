import { relative } from 'node:path';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { pairs } from '../output/table.ts';
import { describeReport, reportOn } from './certificate_report.ts';
import type { DevDescriptor } from './descriptor.ts';
import { DEFAULT_STATE, devPaths, type DevPaths } from './paths.ts';
import { readPods, ZTUNNEL_ACCOUNTS, type Pod } from './pods.ts';
import { fetchCertificate } from './workload.ts';

/**
 * Gets one certificate as a workload would, and says what it is. A failure is told and not thrown: the list of pods may
 * be the user's own, for an environment that is fine otherwise.
 */
export async function demonstrate(dev: DevDescriptor, io: Io): Promise<string> {
  const pod = chooseWorkload(readPods(dev.pods, 'pods'));
  if (pod === undefined) return 'No demonstration: the list of pods is empty.\n';
  const report = await fetchCertificate(dev, { pod, ztunnel: null, keyType: 'ec-p256', ttlSeconds: 0 }, io.now)
    .then((got) => reportOn(got, io.now()))
    .catch((error: unknown) => (error instanceof CliError ? error : Promise.reject(error)));
  if (report instanceof CliError) {
    return `The demonstration FAILED: ${report.message}\n${report.next === undefined ? '' : `  next: ${report.next}\n`}`;
  }
  return `A certificate for ${pod.namespace}/${pod.serviceAccount}, fetched as its pod ${pod.name} would:\n\n${describeReport(report)}`;
}

function chooseWorkload(pods: readonly Pod[]): Pod | undefined {
  return pods.find((pod) => !ZTUNNEL_ACCOUNTS.includes(`${pod.namespace}/${pod.serviceAccount}`)) ?? pods[0];
}

/** What to type next, with the options that this environment needs. */
export function nextSteps(dev: DevDescriptor, paths: DevPaths, cwd: string): string {
  const usual = devPaths(cwd, DEFAULT_STATE).dir === paths.dir;
  const state = usual ? '' : ` --state ${shortest(paths.dir, cwd)}`;
  const workload = chooseWorkload(readPods(dev.pods, 'pods'));
  const account = workload === undefined ? 'NAMESPACE/NAME' : `${workload.namespace}/${workload.serviceAccount}`;
  const port = dev.agent.address.split(':').at(-1);
  const ztunnel = `CA_ADDRESS=https://${dev.agent.serverName}:${port} CA_ROOT_CA=${dev.agent.rootCert}`;
  const steps = pairs(
    [
      ['another certificate', `npx ambient-ca dev certificate ${account}${state}`],
      ['as its ztunnel', `npx ambient-ca dev certificate ${account} --as-ztunnel${state}`],
      ['a workload token', `npx ambient-ca token --service-account ${account}${state}`],
      ['administer the CA', `export AMBIENT_CA_URL=${dev.ca.url} AMBIENT_CA_TOKEN_FILE=${dev.ca.adminTokenFile}`],
      ['who has what', `npx ambient-ca cert list --cluster ${dev.cluster}`],
      ['a real ztunnel', `${ztunnel} (README.md)`],
      ['any other program', paths.descriptor],
    ],
    '  ',
  );
  return `Ready. In another terminal:\n\n${steps}\nCtrl-C stops everything; the state is kept.`;
}

function shortest(dir: string, cwd: string): string {
  const below = relative(cwd, dir) || '.';
  return below.startsWith('..') ? dir : below;
}

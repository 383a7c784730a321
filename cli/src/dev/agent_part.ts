import { join } from 'node:path';
import { caUrlOf } from './ca_part.ts';
import {
  AGENT_ACCOUNT,
  CLUSTER,
  CLUSTER_ID,
  SERVING_NAMES,
  TOKEN_AUDIENCE,
  TRUST_DOMAIN,
} from './development_cluster.ts';
import { REPOSITORY, type DevPaths } from './paths.ts';
import type { PartSpec } from './part.ts';
import { ZTUNNEL_ACCOUNTS } from './pods.ts';
import type { DevPorts } from './ports.ts';
import type { DevSettings } from './settings.ts';
import { stableUid } from './stable_uid.ts';

/** @param pins hex SHA-256 of the roots; they count only while the agent has no bundle of its own yet */
export function agentPart(paths: DevPaths, ports: DevPorts, settings: DevSettings, pins: readonly string[]): PartSpec {
  const pod = 'ambient-ca-agent-0';
  const flags: readonly (readonly [string, string])[] = [
    ['trust-domain', TRUST_DOMAIN],
    ['cluster', CLUSTER],
    ['cluster-id', CLUSTER_ID],
    ['ca-url', caUrlOf(ports.ca)],
    ...pins.map((pin) => ['root-pin', pin] as const),
    ['listen', `127.0.0.1:${ports.agent}`],
    ['health-listen', `127.0.0.1:${ports.health}`],
    ['metrics-listen', `127.0.0.1:${ports.metrics}`],
    ['token-issuer', settings.issuer],
    ['token-audience', TOKEN_AUDIENCE],
    ['jwks-file', paths.tokenJwks],
    ['pods-file', settings.podsFile],
    ...ZTUNNEL_ACCOUNTS.map((account) => ['trusted-node-accounts', account] as const),
    ...SERVING_NAMES.map((name) => ['serving-names', name] as const),
    ['state-dir', paths.agentState],
    ['agent-token-key', paths.tokenKey],
    ['agent-account', AGENT_ACCOUNT],
    ['agent-pod', `ambient-ca/${pod}/${stableUid(`pod/ambient-ca/${pod}`)}`],
    ['node', 'node-a'],
    // Ctrl-C should not wait for a cluster's ten minutes.
    ['drain-grace', '2s'],
  ];
  return {
    name: 'the agent',
    command: join(REPOSITORY, 'csr-agent/bin/csr-agent'),
    args: flags.map(([name, value]) => `--${name}=${value}`),
    env: { ...passedOn(process.env), NODE: process.execPath },
    cwd: REPOSITORY,
    logFile: paths.agentLog,
  };
}

/** Settings of another agent in the user's environment must not reach this one. */
function passedOn(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('AMBIENT_AGENT_'),
  );
  return Object.fromEntries(kept);
}

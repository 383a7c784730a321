import { accessSync, constants } from 'node:fs';
import { basename } from 'node:path';
import type { Binary } from '../ztunnel/binaries.ts';

export type { Binary } from '../ztunnel/binaries.ts';

/** The variables that name a peer's program, and what it is called. */
const PEERS = { PILOT_AGENT_BIN: 'pilot-agent', ENVOY_BIN: 'envoy' } as const;

export type PeerVariable = keyof typeof PEERS;

/** Each that the variable names, a path or several with commas between them, the oldest first. @throws Error when one cannot be run */
export function binariesNamed(variable: PeerVariable, env: NodeJS.ProcessEnv = process.env): Binary[] {
  return (env[variable] ?? '')
    .split(',')
    .map((path) => path.trim())
    .filter((path) => path !== '')
    .map((path) => {
      accessSync(path, constants.X_OK);
      return { name: basename(path), path };
    });
}

/** Whether a suite must be skipped, having printed why: one of the programs that it wants is not named. */
export function skipWithout(suite: string, ...wanted: readonly PeerVariable[]): boolean {
  const missing = wanted.filter((variable) => binariesNamed(variable).length === 0);
  for (const variable of missing) console.log(`interop/${suite}: skipped, ${variable} names no ${PEERS[variable]}`);
  return missing.length > 0;
}

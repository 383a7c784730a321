import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const DEFAULT_STATE = '.ambient-ca/dev';

/** The repository that this file is in. */
export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** Everything a development environment keeps, all under one directory that only its owner can enter. */
export interface DevPaths {
  readonly dir: string;
  /** Present while the environment is ready. */
  readonly descriptor: string;
  /** The supervisor's pid. */
  readonly lock: string;
  /** The pids of the parts, to find what a killed supervisor left behind. */
  readonly parts: string;
  readonly settings: string;
  readonly kek: string;
  readonly bootstrapToken: string;
  readonly adminToken: string;
  readonly instanceId: string;
  readonly tokenKey: string;
  readonly tokenJwks: string;
  readonly pods: string;
  readonly agentRoot: string;
  readonly agentState: string;
  /** SQLite files of the CA's objects. */
  readonly caState: string;
  readonly agentLog: string;
  readonly caLog: string;
}

export function devPaths(cwd: string, state: string): DevPaths {
  const dir = resolve(cwd, state);
  const at = (name: string) => join(dir, name);
  return {
    dir,
    descriptor: at('dev.json'),
    lock: at('lock'),
    parts: at('parts.json'),
    settings: at('settings.json'),
    kek: at('kek.json'),
    bootstrapToken: at('bootstrap-token'),
    adminToken: at('admin-token'),
    instanceId: at('instance-id'),
    tokenKey: at('token-issuer-key.pem'),
    tokenJwks: at('token-issuer-jwks.json'),
    pods: at('pods.json'),
    agentRoot: at('agent-root.pem'),
    agentState: at('agent'),
    caState: at('ca'),
    agentLog: at('agent.log'),
    caLog: at('ca.log'),
  };
}

import type { CryptoPort } from '../../pki/src/crypto/port.ts';
import { AgentAuthenticator } from './auth/agent.ts';
import type { Config, ConfigResult } from './config.ts';
import { CaError } from './errors.ts';
import { CallerTokens } from './evidence/callers.ts';
import type { Log } from './log.ts';
import { BundleLookup } from './lookup/bundles.ts';
import { ClusterLookup } from './lookup/clusters.ts';
import { NameLookup } from './lookup/names.ts';
import type { Objects } from './lookup/objects.ts';

/** What the platform gives an isolate; tests give their own. */
export interface Platform {
  config: ConfigResult;
  objects: Objects;
  crypto: CryptoPort;
  /** ms since 1970 */
  clock: () => number;
  log: Log;
}

/** What routes work with. One for each isolate: the lookups and the tokens are its caches. */
export interface Services extends Omit<Platform, 'config'> {
  config: Config;
  names: NameLookup;
  clusters: ClusterLookup;
  bundles: BundleLookup;
  agents: AgentAuthenticator;
  callerTokens: CallerTokens;
}

/** Throws `config-invalid` with the faults for the log. */
export function createServices({ config, ...platform }: Platform): Services {
  if (!config.ok) throw new CaError('config-invalid', config.faults.join('; '));
  const { objects, crypto, clock } = platform;
  const names = new NameLookup(objects, clock);
  return {
    ...platform,
    config: config.config,
    names,
    clusters: new ClusterLookup(objects, clock),
    bundles: new BundleLookup(objects, names, clock),
    agents: new AgentAuthenticator(crypto, config.config.caUrl),
    callerTokens: new CallerTokens(crypto),
  };
}

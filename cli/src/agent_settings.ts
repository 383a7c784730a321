import { createHash } from 'node:crypto';
import { decodePem } from '../../pki/src/pem.ts';
import type { Cluster } from './ca/types.ts';

/** What an agent has to be told to join, by the names of its flags. */
export interface AgentSettings {
  'trust-domain': string;
  cluster: string;
  'cluster-id': string;
  'ca-url': string;
  /** hex SHA-256 of each trusted root */
  'root-pin': string[];
  'token-issuer': string;
  'token-audience': string;
  'agent-account': string;
  'trusted-node-accounts': string[];
  'serving-names': string[];
  'ca-cert'?: string;
}

export function agentSettings(
  trustDomain: string,
  cluster: Cluster,
  caUrl: string,
  pins: string[],
  caCert: string | null,
): AgentSettings {
  return {
    'trust-domain': trustDomain,
    cluster: cluster.name,
    'cluster-id': cluster.clusterId,
    'ca-url': caUrl,
    'root-pin': pins,
    'token-issuer': cluster.keySets[0]?.issuer ?? '',
    'token-audience': cluster.tokenAudience,
    'agent-account': cluster.agentAccount,
    'trusted-node-accounts': cluster.trustedNodeAccounts,
    'serving-names': cluster.servingNames,
    ...(caCert === null ? {} : { 'ca-cert': caCert }),
  };
}

/** One flag a line; a list is its flag repeated. */
export function asFlags(settings: AgentSettings): string {
  return Object.entries(settings)
    .flatMap(([name, value]: [string, string | string[]]) => [value].flat().map((one) => `--${name}=${shellWord(one)}`))
    .map((flag) => `  ${flag}\n`)
    .join('');
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]*$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The pins of a bundle: hex SHA-256 of each root's DER, in the bundle's order. */
export function pinsOf(bundlePem: string): string[] {
  const roots = decodePem(bundlePem, 'CERTIFICATE', { maxCharacters: 512 * 1024, maxBlocks: 64 });
  return roots.map((der) => createHash('sha256').update(der).digest('hex'));
}

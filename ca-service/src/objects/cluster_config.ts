import { ANSWER_KEY_NAME } from '../../../pki/src/profiles.ts';
import { isNamespace, isServiceAccountName } from '../../../pki/src/spiffe_id.ts';
import { defaultPolicy, parsePolicy } from '../../../policies/src/index.ts';
import { fail } from './outcome.ts';
import type { ClusterConfigInput, ClusterInfo, ClusterKeysInput, KeySet, TtlSeconds } from './rpc.ts';
import { tokenKeyFaults, tokenKeyOf } from './token_keys.ts';

/** The configuration of a cluster as it is stored and pushed. */
export interface ClusterConfig {
  clusterId: string;
  keySets: KeySet[];
  tokenAudience: string;
  agentAccount: string;
  namespaces: string[];
  servingNames: string[];
  ttl: TtlSeconds;
  trustedNodeAccounts: string[];
  policy: string;
}

/** Where an object may be placed: Cloudflare's location hints, its own choice, or a self-hosted process. */
const REGIONS = ['auto', 'local', 'wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const;

/** Seconds. Below it a certificate is mostly back-date and renewal, which only a developer can want. */
const PRODUCTION_TTL_FLOOR = 600;
const LOWEST_TTL_FLOOR = 1;
/** Two of the longest lives must fit between the renewal of a 90-day intermediate and its end. */
const HIGHEST_TTL = 15 * 86_400;

const CLUSTER_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const PRINTABLE = /^[\x21-\x7e]{1,253}$/;

type Rule = readonly [holds: boolean, fault: string];

/** Checks an enrolment and gives its normal form. Fails `invalid` with every fault at once. */
export function clusterConfig(input: ClusterConfigInput, environment: string | undefined): ClusterConfig {
  const keySets = [{ issuer: input.tokenIssuer, keys: input.jwks.keys }, ...(input.extraKeySets ?? [])];
  const policy = input.policy ?? JSON.stringify(defaultPolicy);
  const rules: Rule[] = [
    [CLUSTER_NAME.test(input.name), `name: ${quoted(input.name)} is not a DNS label`],
    [PRINTABLE.test(input.clusterId), 'clusterId: expected 1 to 253 printable characters without spaces'],
    [(REGIONS as readonly string[]).includes(input.region), `region: expected one of ${REGIONS.join(', ')}`],
    [PRINTABLE.test(input.tokenAudience), 'tokenAudience: expected 1 to 253 printable characters without spaces'],
    [isAccount(input.agentAccount), 'agentAccount: expected namespace/service-account'],
    ...input.trustedNodeAccounts.map((account): Rule => [
      isAccount(account),
      `trustedNodeAccounts: ${quoted(account)} is not namespace/service-account`,
    ]),
    ...namespaceRules(input.namespaces),
    ...input.servingNames.map((name): Rule => [
      isServingName(name),
      `servingNames: ${quoted(name)} is not an exact DNS name, or is reserved`,
    ]),
    [input.servingNames.length >= 1 && input.servingNames.length <= 64, 'servingNames: expected 1 to 64 names'],
    ...ttlRules(input.ttl, environment),
    [new Set(keySets.map(({ issuer }) => issuer)).size === keySets.length, 'extraKeySets: an issuer stands twice'],
  ];
  const faults = [
    ...rules.flatMap(([holds, fault]) => (holds ? [] : [fault])),
    ...keySets.flatMap(keySetFaults),
    ...policyFaults(policy),
  ];
  if (faults.length > 0) {
    fail('invalid', `the enrolment has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}: ${faults[0]}`, {
      fix: 'ambient-ca cluster enrol --help',
      extra: { faults },
    });
  }
  return {
    clusterId: input.clusterId,
    keySets: keySets.map(({ issuer, keys }) => ({ issuer, keys: keys.map(tokenKeyOf) })),
    tokenAudience: input.tokenAudience,
    agentAccount: input.agentAccount,
    namespaces: [...new Set(input.namespaces)],
    servingNames: [...new Set(input.servingNames)],
    ttl: { floor: input.ttl.floor, default: input.ttl.default, maximum: input.ttl.maximum },
    trustedNodeAccounts: [...new Set(input.trustedNodeAccounts)],
    policy,
  };
}

/** The key set that replaces one of the cluster's. Fails `invalid` with every fault at once. */
export function otherKeys({ issuer, jwks }: ClusterKeysInput, { name, keySets }: ClusterInfo): KeySet {
  const issuers = keySets.map((each) => each.issuer);
  const of = issuer ?? issuers[0] ?? '';
  const faults = issuers.includes(of)
    ? keySetFaults({ issuer: of, keys: jwks.keys }, 0)
    : [`issuer: ${of} is none that ${name} is enrolled with, expected ${issuers.join(' or ')}`];
  if (faults.length > 0) {
    fail('invalid', `the keys have ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}: ${faults[0]}`, {
      fix: 'ambient-ca cluster keys set --help',
      extra: { faults },
    });
  }
  return { issuer: of, keys: jwks.keys.map(tokenKeyOf) };
}

export function coversAllNamespaces({ namespaces }: Pick<ClusterConfig, 'namespaces'>): boolean {
  return namespaces.length === 1 && namespaces[0] === '*';
}

function namespaceRules(namespaces: readonly string[]): Rule[] {
  return [
    [namespaces.length >= 1 && namespaces.length <= 5_000, "namespaces: expected 1 to 5000 names, or '*' alone"],
    [namespaces.length === 1 || !namespaces.includes('*'), "namespaces: '*' stands alone"],
    ...namespaces.map((name): Rule => [
      name === '*' || isNamespace(name),
      `namespaces: ${quoted(name)} is not a namespace`,
    ]),
  ];
}

function ttlRules(ttl: TtlSeconds, environment: string | undefined): Rule[] {
  const floor = environment === 'dev' ? LOWEST_TTL_FLOOR : PRODUCTION_TTL_FLOOR;
  return [
    [Object.values(ttl).every((seconds) => Number.isInteger(seconds)), 'ttl: expected whole seconds'],
    [ttl.floor >= floor, `ttl.floor: ${ttl.floor} s is below ${floor} s, the least this environment allows`],
    [ttl.floor <= ttl.default && ttl.default <= ttl.maximum, 'ttl: expected floor ≤ default ≤ maximum'],
    [ttl.maximum <= HIGHEST_TTL, `ttl.maximum: ${ttl.maximum} s is above ${HIGHEST_TTL} s`],
  ];
}

function keySetFaults({ issuer, keys }: KeySet, index: number): string[] {
  const at = index === 0 ? 'jwks' : `extraKeySets[${index - 1}]`;
  return [
    ...(/^[\x21-\x7e]{1,2048}$/.test(issuer) ? [] : [`${at}: the issuer is not 1 to 2048 printable characters`]),
    ...(keys.length >= 1 && keys.length <= 32 ? [] : [`${at}: expected 1 to 32 keys`]),
    ...keys.flatMap((key, position) => tokenKeyFaults(key).map((fault) => `${at}.keys[${position}]: ${fault}`)),
  ];
}

function policyFaults(text: string): string[] {
  try {
    const parsed = parsePolicy(JSON.parse(text));
    return parsed.ok ? [] : parsed.faults.map((fault) => `policy.${fault}`);
  } catch {
    return ['policy: is not JSON'];
  }
}

function isAccount(text: string): boolean {
  const [namespace = '', serviceAccount = '', ...rest] = text.split('/');
  return rest.length === 0 && isNamespace(namespace) && isServiceAccountName(serviceAccount);
}

/** A name the answer key is known by could answer agents, so nobody else gets it. */
function isServingName(name: string): boolean {
  return DNS_NAME.test(name) && name !== ANSWER_KEY_NAME && !name.endsWith('.ambient-ca.invalid');
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

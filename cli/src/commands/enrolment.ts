import type { Command } from 'commander';
import type { ClusterInput, JsonWebKeySet } from '../ca/types.ts';
import { CliError } from '../errors.ts';
import { readInput } from '../io.ts';
import { collect, durationSeconds, namespacedText } from './values.ts';

export interface EnrolOptions {
  clusterId: string;
  region: string;
  tokenIssuer: string;
  tokenAudience: string;
  jwks: string;
  extraJwks: string[];
  agentAccount: string[];
  namespace: string[];
  confirmAllNamespaces?: boolean;
  servingName: string[];
  trustedNodeAccount: string[];
  ttlFloor: number;
  ttlDefault: number;
  ttlMax: number;
  policy?: string;
}

export function addEnrolOptions(command: Command): Command {
  return command
    .description('let a cluster ask for certificates, and print the settings of its agent')
    .argument('<name>', 'our name of the cluster: part of its URL, never sent by a client')
    .requiredOption('--token-issuer <iss>', 'issuer of its service-account tokens')
    .requiredOption('--jwks <file>', 'its token keys (kubectl get --raw /openid/v1/jwks)')
    .option('--extra-jwks <iss=file>', 'keys of a further token issuer (repeatable)', collect, [])
    .option('--namespace <name>', "a namespace it may have certificates for (repeatable; '*' for all)", collect, [])
    .option(
      '--confirm-all-namespaces',
      "needed for '*' in a second cluster of a trust domain: each can then be any workload of the other",
    )
    .option(
      '--trusted-node-account <ns/name>',
      'a ztunnel account that may ask for pods on its node (repeatable)',
      namespacedText,
      [],
    )
    .option('--serving-name <dns>', 'an exact DNS name of its agent or istiod (repeatable)', collect, [])
    .option(
      '--agent-account <ns/name>',
      'account the agent runs as (default: ambient-ca/ambient-ca-agent)',
      namespacedText,
      [],
    )
    .option('--cluster-id <id>', 'what Istio calls it (clusterid metadata)', 'Kubernetes')
    .option('--region <region>', 'where its signer lives; cannot be changed', 'auto')
    .option('--token-audience <aud>', 'audience of workload tokens', 'istio-ca')
    .option('--ttl-floor <duration>', 'shortest life of a certificate', durationSeconds, 600)
    .option('--ttl-default <duration>', 'life where the client asks for none', durationSeconds, 86_400)
    .option('--ttl-max <duration>', 'longest life', durationSeconds, 7 * 86_400)
    .option('--policy <file>', 'policy document (JSON); the default policy without it');
}

/** @throws CliError `usage`, `input-file` */
export function enrolmentOf(name: string, options: EnrolOptions): ClusterInput {
  if (options.namespace.length === 0) {
    throw new CliError('usage', 'no namespace is named: the cluster could issue nothing', {
      next: "add --namespace NAME for each, or --namespace '*' for all of them",
    });
  }
  if (options.servingName.length === 0) {
    throw new CliError('usage', 'no serving name is named: clients could not verify the agent', {
      next: 'add --serving-name for each DNS name of it, as in ambient-ca-agent.ambient-ca.svc',
    });
  }
  if (options.agentAccount.length > 1) {
    throw new CliError('usage', '--agent-account is given twice', { next: 'a cluster has one agent account' });
  }
  return {
    name,
    clusterId: options.clusterId,
    region: options.region,
    tokenIssuer: options.tokenIssuer,
    tokenAudience: options.tokenAudience,
    jwks: readJwks(options.jwks, '--jwks'),
    ...(options.extraJwks.length === 0 ? {} : { extraKeySets: options.extraJwks.map(extraKeySet) }),
    agentAccount: options.agentAccount[0] ?? 'ambient-ca/ambient-ca-agent',
    namespaces: options.namespace,
    ...(options.confirmAllNamespaces === true ? { confirmAllNamespaces: true } : {}),
    servingNames: options.servingName,
    ttl: { floor: options.ttlFloor, default: options.ttlDefault, maximum: options.ttlMax },
    trustedNodeAccounts: options.trustedNodeAccount,
    ...(options.policy === undefined ? {} : { policy: readInput(options.policy, '--policy') }),
  };
}

function extraKeySet(text: string): { issuer: string; keys: object[] } {
  const at = text.lastIndexOf('=');
  if (at <= 0) {
    throw new CliError('usage', `--extra-jwks: ${text} is not ISSUER=FILE`, {
      next: 'as in --extra-jwks https://issuer.example.com=keys.json',
    });
  }
  return { issuer: text.slice(0, at), keys: readJwks(text.slice(at + 1), '--extra-jwks').keys };
}

/** Public members only: a file with private keys by mistake must not travel. */
const PUBLIC_MEMBERS = ['kty', 'kid', 'alg', 'crv', 'x', 'y', 'n', 'e'];

export function readJwks(path: string, option: string): JsonWebKeySet {
  const refuse = (why: string, cause?: unknown) =>
    new CliError('input-file', `${option}: ${path} ${why}`, {
      next: 'it is a JSON Web Key Set, {"keys": [...]}: kubectl get --raw /openid/v1/jwks',
      cause,
    });
  let parsed: unknown;
  try {
    parsed = JSON.parse(readInput(path, option));
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw refuse('is not JSON', cause);
  }
  const keys = typeof parsed === 'object' && parsed !== null && 'keys' in parsed ? parsed.keys : null;
  if (!Array.isArray(keys) || keys.length === 0) throw refuse('holds no keys');
  return {
    keys: keys.map((key: unknown) => {
      if (typeof key !== 'object' || key === null || !('kty' in key))
        throw refuse('holds something that is not a JSON Web Key');
      if (key.kty !== 'EC' && key.kty !== 'RSA')
        throw refuse(`holds a key of type ${String(key.kty)}; EC and RSA are taken`);
      return Object.fromEntries(Object.entries(key).filter(([member]) => PUBLIC_MEMBERS.includes(member)));
    }),
  };
}

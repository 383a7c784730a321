import type { Command } from 'commander';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { nearest } from '../suggest.ts';
import type { AdminApi } from './api.ts';

export interface TrustDomainOption {
  trustDomain?: string;
}

export function addTrustDomainOption(command: Command): Command {
  return command.option(
    '--trust-domain <name>',
    'trust domain (or AMBIENT_CA_TRUST_DOMAIN); not needed where the CA has one',
  );
}

/** The trust domain that was named, or the only one there is. */
export async function trustDomainOf(io: Io, options: TrustDomainOption, api: AdminApi): Promise<string> {
  const named = options.trustDomain ?? io.env['AMBIENT_CA_TRUST_DOMAIN'];
  if (named !== undefined) return named;
  const names = (await api.listTrustDomains()).map(({ name }) => name);
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  throw new CliError('usage', names.length === 0 ? 'the CA has no trust domain' : 'the CA has several trust domains', {
    next: names.length === 0 ? 'ambient-ca trust-domain create NAME' : `add --trust-domain, one of ${names.join(', ')}`,
  });
}

/**
 * Runs a call about a trust domain, or about a cluster of it; where the CA does not know one of the names, the error offers the
 * nearest one it knows.
 */
export async function withSuggestions<T>(
  api: AdminApi,
  { trustDomain, cluster }: { trustDomain: string; cluster?: string },
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'ca-not-found') throw error;
    const known = [trustDomainHint(api, trustDomain)];
    if (cluster !== undefined) known.push(clusterHint(api, trustDomain, cluster));
    for (const { word, typed, names, none } of known) {
      // A token that may not list must still see the refusal of its own call.
      const all = await names().catch(() => null);
      if (all === null || all.includes(typed)) continue;
      const near = nearest(typed, all);
      const next =
        near === undefined
          ? all.length === 0
            ? none
            : `known: ${all.join(', ')}; or ${none}`
          : `did you mean ${near}?`;
      throw new CliError('ca-not-found', `there is no ${word} ${typed}`, {
        next,
        problem: error.problem,
        cause: error,
      });
    }
    throw error;
  }
}

interface Hint {
  word: string;
  typed: string;
  names: () => Promise<string[]>;
  none: string;
}

function trustDomainHint(api: AdminApi, typed: string): Hint {
  return {
    word: 'trust domain',
    typed,
    names: async () => (await api.listTrustDomains()).map(({ name }) => name),
    none: `ambient-ca trust-domain create ${typed}`,
  };
}

function clusterHint(api: AdminApi, trustDomain: string, typed: string): Hint {
  return {
    word: 'cluster',
    typed,
    names: async () => (await api.listClusters(trustDomain)).map(({ name }) => name),
    none: `ambient-ca cluster enrol ${typed}`,
  };
}

import type { Command } from 'commander';
import { addConnectionOptions, connect, type ConnectionOptions } from '../ca/connection.ts';
import { addTrustDomainOption, trustDomainOf, withSuggestions, type TrustDomainOption } from '../ca/names.ts';
import type { ClusterKeysSet } from '../ca/types.ts';
import type { Io } from '../io.ts';
import { addOutputOption, emit, type OutputOptions } from '../output/format.ts';
import { pairs } from '../output/table.ts';
import { readJwks } from './enrolment.ts';

interface Options extends ConnectionOptions, OutputOptions, TrustDomainOption {
  jwks: string;
  issuer?: string;
}

/** What follows `cluster`: the keys by which a cluster's tokens are verified. */
export function addClusterKeysCommands(group: Command, io: Io): void {
  const set = group
    .command('keys')
    .description('the keys by which a cluster’s tokens are verified')
    .command('set')
    .description('replace the keys of a token issuer; tokens by a key that is left out count no longer')
    .argument('<name>', 'the name given at enrolment')
    .requiredOption('--jwks <file>', 'all keys that are to count (kubectl get --raw /openid/v1/jwks)')
    .option('--issuer <iss>', 'the issuer whose keys they are (default: that of the cluster’s API server)');
  addOutputOption(addTrustDomainOption(addConnectionOptions(set))).action(async (name: string, options: Options) => {
    const input = {
      jwks: readJwks(options.jwks, '--jwks'),
      ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
    };
    const { api } = connect(io, options);
    const trustDomain = await trustDomainOf(io, options, api);
    const done = await withSuggestions(api, { trustDomain, cluster: name }, () =>
      api.setClusterKeys(trustDomain, name, input),
    );
    emit(io, options, done, () => describe(done, name, trustDomain));
  });
}

function describe({ enforced, issuer, before, after }: ClusterKeysSet, name: string, trustDomain: string): string {
  const added = after.filter((thumbprint) => !before.includes(thumbprint));
  const dropped = before.filter((thumbprint) => !after.includes(thumbprint));
  const lines = pairs([
    ['issuer', issuer],
    ['keys', String(after.length)],
    ['added', added.join(', ') || 'none'],
    ['dropped', dropped.join(', ') || 'none'],
    ['enforced', enforced ? 'yes' : 'not yet acknowledged by the signer'],
  ]);
  return enforced
    ? lines
    : `${lines}\nnext: ambient-ca cluster show ${name} --trust-domain ${trustDomain}   until it says "enforced"\n`;
}

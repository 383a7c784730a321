import type { Command } from 'commander';
import type { AdminApi } from '../ca/api.ts';
import { addConnectionOptions, connect, type ConnectionOptions } from '../ca/connection.ts';
import { addTrustDomainOption, trustDomainOf, withSuggestions, type TrustDomainOption } from '../ca/names.ts';
import type { RevocationMark } from '../ca/types.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { addOutputOption, emit, type OutputOptions } from '../output/format.ts';
import { table } from '../output/table.ts';
import { isoTime } from '../output/time.ts';

interface Options extends ConnectionOptions, OutputOptions, TrustDomainOption {
  cluster: string;
  identity?: string;
  node?: string;
  serial?: string;
  reason: string;
}

/** What follows `cert`: marks by which the issuer of a cluster refuses renewals. */
export function addRevocationCommands(group: Command, io: Io): void {
  const revoke = group
    .command('revoke')
    .description(
      'refuse renewals from now on, of one of --serial, --identity, --node; what is out stays valid until it ends',
    )
    .requiredOption('--reason <text>', 'for the audit, and the log of the agent');
  addMarkOptions(revoke).action(async (options: Options) => {
    const { api, trustDomain, mark } = await markOf(io, options);
    const { cluster, reason } = options;
    const made = await withSuggestions(api, { trustDomain, cluster }, () =>
      api.revoke(trustDomain, cluster, { ...mark, reason }),
    );
    emit(io, options, made, () => `${made.kind} ${made.subject}: renewals are refused since ${isoTime(made.at)}\n`);
  });

  const unrevoke = group
    .command('unrevoke')
    .description('grant renewals again, of one of --serial, --identity, --node');
  addMarkOptions(unrevoke).action(async (options: Options) => {
    const { api, trustDomain, mark } = await markOf(io, options);
    const { cluster } = options;
    const lifted = await withSuggestions(api, { trustDomain, cluster }, () =>
      api.liftRevocation(trustDomain, cluster, mark),
    );
    emit(io, options, lifted, () => `${lifted.kind} ${lifted.subject}: renewals are granted again\n`);
  });

  const list = group
    .command('revocations')
    .description('whose renewals are refused in a cluster, since when, by whom and why')
    .requiredOption('--cluster <name>', 'the enrolled cluster');
  addOutputOption(addTrustDomainOption(addConnectionOptions(list))).action(async (options: Options) => {
    const { api } = connect(io, options);
    const trustDomain = await trustDomainOf(io, options, api);
    const { cluster } = options;
    const all = await withSuggestions(api, { trustDomain, cluster }, () => api.revocations(trustDomain, cluster));
    emit(io, options, all, () =>
      table(
        ['revoked', 'subject', 'since', 'by', 'reason'],
        all.map(({ kind, subject, at, by, reason }) => [kind, subject, isoTime(at), by, reason]),
      ),
    );
  });
}

function addMarkOptions(command: Command): Command {
  command
    .requiredOption('--cluster <name>', 'the enrolled cluster')
    .option('--serial <hex>', 'the holder of this certificate')
    .option('--identity <id>', 'SPIFFE ID, or NAMESPACE/SERVICE-ACCOUNT: whoever holds it')
    .option('--node <name>', 'whatever runs on this node');
  return addOutputOption(addTrustDomainOption(addConnectionOptions(command)));
}

async function markOf(io: Io, options: Options): Promise<{ api: AdminApi; trustDomain: string; mark: RevocationMark }> {
  const { serial, identity, node } = options;
  if ([serial, identity, node].filter((each) => each !== undefined).length !== 1) {
    throw new CliError('usage', 'not exactly one of --serial, --identity, --node', {
      next: 'give one; to stop a whole cluster: ambient-ca cluster disable',
    });
  }
  const { api } = connect(io, options);
  const trustDomain = await trustDomainOf(io, options, api);
  const mark: RevocationMark =
    serial !== undefined
      ? { kind: 'certificate', subject: serial.replaceAll(':', '').toLowerCase() }
      : identity !== undefined
        ? { kind: 'identity', subject: identityOf(identity, trustDomain) }
        : { kind: 'node', subject: node ?? '' };
  return { api, trustDomain, mark };
}

/** A SPIFFE ID as it is, or NAMESPACE/SERVICE-ACCOUNT of the trust domain. */
export function identityOf(typed: string, trustDomain: string): string {
  const short = /^([^/:]+)\/([^/]+)$/.exec(typed);
  return short === null ? typed : `spiffe://${trustDomain}/ns/${short[1]}/sa/${short[2]}`;
}

import { type Command, InvalidArgumentError } from 'commander';
import { addConnectionOptions, connect, type ConnectionOptions } from '../ca/connection.ts';
import { addTrustDomainOption, trustDomainOf, withSuggestions, type TrustDomainOption } from '../ca/names.ts';
import type { LedgerCounts, LedgerRow } from '../ca/types.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { addOutputOption, emit, type OutputOptions } from '../output/format.ts';
import { pairs, table } from '../output/table.ts';
import { shortDuration } from '../output/time.ts';
import { addRevocationCommands, identityOf } from './revocation.ts';

interface Options extends ConnectionOptions, OutputOptions, TrustDomainOption {
  cluster: string;
  identity?: string;
  node?: string;
  serial?: string;
  limit: number;
  cursor?: string;
  counts?: boolean;
}

export function addCertCommands(program: Command, io: Io): void {
  const group = program.command('cert').description('the ledger: which certificate was issued to whom');
  addRevocationCommands(group, io);
  const list = group
    .command('list')
    .description('certificates of a cluster, a page at a time; at most one of --identity, --node, --serial')
    .requiredOption('--cluster <name>', 'the enrolled cluster')
    .option('--identity <id>', 'SPIFFE ID, or NAMESPACE/SERVICE-ACCOUNT')
    .option('--node <name>', 'node of the caller')
    .option('--serial <hex>', 'serial number, with or without colons')
    .option('--limit <n>', 'rows of a page', wholeNumber(500), 50)
    .option('--cursor <cursor>', 'the page after, as printed by the page before')
    .option('--counts', 'only how many');
  addOutputOption(addTrustDomainOption(addConnectionOptions(list))).action(async (options: Options) => {
    const filters = [options.identity, options.node, options.serial].filter((f) => f !== undefined);
    if (filters.length > 1) {
      throw new CliError('usage', 'more than one filter', { next: 'give one of --identity, --node, --serial' });
    }
    const { api } = connect(io, options);
    const trustDomain = await trustDomainOf(io, options, api);
    const { cluster } = options;
    const named = { trustDomain, cluster };
    if (options.counts === true) {
      const counts = await withSuggestions(api, named, () => api.counts(trustDomain, cluster));
      return emit(io, options, counts, () => describeCounts(counts, io.now()));
    }
    const query = { limit: String(options.limit), ...filterOf(options, trustDomain) };
    const page = await withSuggestions(api, named, () => api.certificates(trustDomain, cluster, query));
    return emit(
      io,
      options,
      page,
      () => describeRows(page.rows, io.now()) + (page.next === null ? '' : `\nmore: --cursor ${page.next}\n`),
    );
  });
}

function filterOf(options: Options, trustDomain: string): Record<string, string> {
  const filter: Record<string, string> = {};
  if (options.identity !== undefined) filter['identity'] = identityOf(options.identity, trustDomain);
  if (options.node !== undefined) filter['node'] = options.node;
  if (options.serial !== undefined) filter['serial'] = options.serial.replaceAll(':', '').toLowerCase();
  if (options.cursor !== undefined) filter['cursor'] = options.cursor;
  return filter;
}

function describeRows(rows: readonly LedgerRow[], now: number): string {
  return table(
    ['identity', 'node', 'issued', 'ends in', 'evidence', 'serial', 'revoked'],
    rows.map((row) => [
      row.identity,
      row.node,
      `${shortDuration((now - row.issuedAt) / 1000)} ago`,
      row.notAfter <= now ? 'expired' : shortDuration((row.notAfter - now) / 1000),
      row.level,
      row.serial,
      row.revoked === null ? '' : `by ${row.revoked}`,
    ]),
  );
}

function describeCounts(counts: LedgerCounts, now: number): string {
  const held = pairs([
    ['holders', `${counts.current}${counts.atLeast ? ' or more' : ''}`],
    ['issued in the last hour', String(counts.issuedLastHour)],
    ['issued in the last day', String(counts.issuedLastDay)],
  ]);
  if (counts.live.length === 0) return held;
  const live = table(
    ['issuer', 'bundle', 'last one ends in'],
    counts.live.map((l) => [l.issuer, String(l.bundleVersion), shortDuration((l.notAfter - now) / 1000)]),
  );
  return `${held}\n${live}`;
}

/** A parser of option values: 1 to `maximum`. */
export function wholeNumber(maximum: number, minimum = 1): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
      throw new InvalidArgumentError(`It is a whole number from ${minimum} to ${maximum}.`);
    }
    return value;
  };
}

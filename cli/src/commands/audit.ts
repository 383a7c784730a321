import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ChainHead, follow, GENESIS } from '../../../ca-service/src/client/audit_chain.ts';
import type { AdminApi } from '../ca/api.ts';
import { addConnectionOptions, connect, type ConnectionOptions } from '../ca/connection.ts';
import { withSuggestions } from '../ca/names.ts';
import type { AuditEntry } from '../ca/types.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { addOutputOption, emit, type OutputOptions } from '../output/format.ts';
import { table } from '../output/table.ts';
import { isoTime } from '../output/time.ts';
import { wholeNumber } from './cert.ts';

/** The log of the deployment itself; every other is named by its trust domain. */
const DEPLOYMENT = 'deployment';
const PAGE = '500';

interface ListOptions extends ConnectionOptions, OutputOptions {
  trustDomain?: string;
  limit: number;
  cursor?: string;
}

interface VerifyOptions extends ConnectionOptions, OutputOptions {
  trustDomain?: string;
  expect: Noted[];
}

/** A head that was noted before. */
interface Noted extends ChainHead {
  readonly log: string;
}

export function addAuditCommands(program: Command, io: Io): void {
  const group = program.command('audit').description('who did what, and what was refused: a chain of hashes');

  const list = group
    .command('list')
    .description('the audit of the deployment, or of a trust domain, oldest first, a page at a time')
    .option('--trust-domain <name>', 'that of a trust domain: its roots and clusters')
    .option('--limit <n>', 'rows of a page', wholeNumber(500), 50)
    .option('--cursor <cursor>', 'the page after, as printed by the page before');
  addOutputOption(addConnectionOptions(list)).action(async (options: ListOptions) => {
    const { api } = connect(io, options);
    const query = { limit: String(options.limit), ...(options.cursor !== undefined && { cursor: options.cursor }) };
    const page = await named(api, options.trustDomain, () => api.audit(options.trustDomain ?? null, query));
    emit(io, options, page, () => describe(page.rows) + (page.next === null ? '' : `\nmore: --cursor ${page.next}\n`));
  });

  const verify = group
    .command('verify')
    .description('read each audit whole and check its chain: exit 7 where an entry was changed, inserted or removed')
    .option('--trust-domain <name>', 'only that of a trust domain')
    .addOption(
      new Option('--expect <head>', 'a head that was noted before, LOG=ID:HASH (repeatable)')
        .argParser(noted)
        .default([], 'none'),
    );
  addOutputOption(addConnectionOptions(verify)).action(async (options: VerifyOptions) => {
    const { api } = connect(io, options);
    const logs = await logsOf(api, options);
    const heads: Noted[] = [];
    for (const log of logs) {
      const expected = options.expect.filter((each) => each.log === log);
      // One after the other, so that the first that is broken is told.
      // oxlint-disable-next-line no-await-in-loop
      heads.push({ log, ...(await headOf(api, log, expected)) });
    }
    const missing = options.expect.find(({ log }) => !logs.includes(log));
    if (missing !== undefined) {
      throw new CliError('unverified', `there is no audit ${missing.log}, of which a head was expected`, {
        next: `known: ${logs.join(', ')}`,
      });
    }
    emit(io, options, heads, () => describeHeads(heads, io.terminal));
  });
}

/** LOG=ID:HASH, as `audit verify` prints it. */
function noted(text: string, before: readonly Noted[]): Noted[] {
  const [, log = '', id = '', hash = ''] = /^([^=]+)=(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (log === '') throw new InvalidArgumentError('It is LOG=ID:HASH as `ambient-ca audit verify` prints it.');
  return [...before, { log, id: Number(id), hash }];
}

/** A token for one trust domain sees the audit of that one alone. */
async function logsOf(api: AdminApi, { trustDomain }: VerifyOptions): Promise<string[]> {
  if (trustDomain !== undefined) return [trustDomain];
  const domains = (await api.listTrustDomains()).map(({ name }) => name);
  try {
    await api.audit(null, { limit: '1' });
    return [DEPLOYMENT, ...domains];
  } catch (error) {
    if (error instanceof CliError && error.code === 'ca-denied') return domains;
    throw error;
  }
}

async function headOf(api: AdminApi, log: string, expected: readonly ChainHead[]): Promise<ChainHead> {
  const trustDomain = log === DEPLOYMENT ? null : log;
  const open = new Map(expected.map(({ id, hash }) => [id, hash]));
  let head = GENESIS;
  let cursor: string | null = null;
  do {
    const query: Record<string, string> = { limit: PAGE, ...(cursor !== null && { cursor }) };
    // Each page names the next.
    // oxlint-disable-next-line no-await-in-loop
    const page = await named(api, trustDomain ?? undefined, () => api.audit(trustDomain, query));
    for (const entry of page.rows) {
      const next = follow(head, entry);
      if (typeof next === 'string') throw broken(log, next);
      head = next;
      if ((open.get(head.id) ?? head.hash) !== head.hash) {
        throw broken(log, `entry ${head.id} is another than the one that was noted: the chain was written anew`);
      }
      open.delete(head.id);
    }
    cursor = page.next;
  } while (cursor !== null);
  const [lost] = open.keys();
  if (lost !== undefined)
    throw broken(log, `it ends at entry ${head.id}, and entry ${lost} was noted: entries were removed`);
  return head;
}

function broken(log: string, fault: string): CliError {
  return new CliError('unverified', `the audit of ${log} is broken: ${fault}`, {
    next: 'somebody wrote to the state of the CA past its API: compare with a backup, and treat its keys as exposed',
  });
}

function named<T>(api: AdminApi, trustDomain: string | undefined, call: () => Promise<T>): Promise<T> {
  return trustDomain === undefined ? call() : withSuggestions(api, { trustDomain }, call);
}

function describe(rows: readonly AuditEntry[]): string {
  return table(
    ['id', 'when', 'who', 'role', 'what', 'of', 'outcome', ''],
    rows.map(({ id, at, actor, action, subject, outcome, detail }) => [
      String(id),
      isoTime(at),
      actor.name,
      actor.role,
      action,
      subject,
      outcome,
      Object.entries(detail)
        .map(([name, value]) => `${name}=${String(value)}`)
        .join(' '),
    ]),
  );
}

function describeHeads(heads: readonly Noted[], terminal: boolean): string {
  const rows = heads.map(({ log, id, hash }) => [log, String(id), 'unbroken', `${log}=${id}:${hash}`]);
  const hint =
    '\nKeep the heads elsewhere: `ambient-ca audit verify --expect HEAD` tells whether what led to one was rewritten.\n';
  return table(['audit', 'entries', '', 'head'], rows) + (terminal ? hint : '');
}

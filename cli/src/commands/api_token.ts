import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { addConnectionOptions, connect, type ConnectionOptions } from '../ca/connection.ts';
import type { Role } from '../ca/types.ts';
import { CliError } from '../errors.ts';
import { writeSecret, type Io } from '../io.ts';
import { addOutputOption, emit, type OutputOptions } from '../output/format.ts';
import { pairs, table } from '../output/table.ts';
import { isoTime, shortDuration } from '../output/time.ts';
import { collect, durationSeconds } from './values.ts';

interface CreateOptions extends ConnectionOptions, OutputOptions {
  role: Role;
  trustDomain: string[];
  ttl: number;
  out: string;
}

export function addApiTokenCommands(program: Command, io: Io): void {
  const group = program.command('api-token').description('who may administer the CA: scoped, expiring API tokens');

  const create = group
    .command('create')
    .description('create an API token; the CA stores only its hash')
    .argument('<name>', 'as it appears in the audit')
    .addOption(new Option('--role <role>', 'what it may do').choices(['viewer', 'operator', 'admin']).default('viewer'))
    .option('--trust-domain <name>', 'limit it to a trust domain (repeatable; all without it)', collect, [])
    .option('--ttl <duration>', 'how long it lives, e.g. 30d', durationSeconds, 30 * 86_400)
    .requiredOption('--out <file>', 'where to write the token (mode 0600)');
  addOutputOption(addConnectionOptions(create)).action(async (name: string, options: CreateOptions) => {
    const out = resolve(io.cwd, options.out);
    if (existsSync(out)) throw new CliError('input-file', `--out: ${options.out} exists`, { next: 'name a new file' });
    const trustDomains = options.trustDomain.length === 0 ? '*' : options.trustDomain;
    const { token, ...made } = await connect(io, options).api.createToken({
      name,
      role: options.role,
      trustDomains,
      ttlSeconds: options.ttl,
    });
    writeSecret(out, `${token}\n`);
    emit(io, options, { ...made, tokenFile: out }, () =>
      pairs([
        ['id', made.id],
        ['role', `${made.role} of ${made.trustDomains === '*' ? 'all trust domains' : made.trustDomains.join(', ')}`],
        ['expires', isoTime(made.expiresAt)],
        ['token', `${out} (shown nowhere else)`],
      ]),
    );
  });

  const list = group.command('list').description('all API tokens, without the tokens themselves');
  addOutputOption(addConnectionOptions(list)).action(async (options: ConnectionOptions & OutputOptions) => {
    const tokens = await connect(io, options).api.listTokens();
    emit(io, options, tokens, () =>
      table(
        ['id', 'name', 'role', 'trust domains', 'state', 'last used, to the hour'],
        tokens.map((t) => [
          t.id,
          t.name,
          t.role,
          t.trustDomains === '*' ? '*' : t.trustDomains.join(','),
          state(t.revokedAt, t.expiresAt, io.now()),
          t.lastUsedAt === null ? 'never' : isoTime(t.lastUsedAt),
        ]),
      ),
    );
  });

  const revoke = group
    .command('revoke')
    .description('end an API token at once')
    .argument('<id>', 'from `api-token list`');
  addOutputOption(addConnectionOptions(revoke)).action(
    async (id: string, options: ConnectionOptions & OutputOptions) => {
      const revoked = await connect(io, options).api.revokeToken(id);
      emit(io, options, revoked, () => `API token ${id} (${revoked.name}) is revoked\n`);
    },
  );
}

function state(revokedAt: number | null, expiresAt: number, now: number): string {
  if (revokedAt !== null) return `revoked ${isoTime(revokedAt)}`;
  return expiresAt <= now ? 'expired' : `ends in ${shortDuration((expiresAt - now) / 1000)}`;
}

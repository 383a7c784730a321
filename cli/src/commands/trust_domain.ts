import type { Command } from 'commander';
import { addConnectionOptions, connect, type ConnectionOptions } from '../ca/connection.ts';
import type { Io } from '../io.ts';
import { addOutputOption, emit, type OutputOptions } from '../output/format.ts';
import { table } from '../output/table.ts';

export function addTrustDomainCommands(program: Command, io: Io): void {
  const group = program.command('trust-domain').description('SPIFFE name spaces, each with roots of its own');

  const create = group
    .command('create')
    .description('create a trust domain; its name is part of every identity and cannot be changed')
    .argument('<name>', 'as in spiffe://<name>/ns/…, e.g. cluster.local');
  addOutputOption(addConnectionOptions(create)).action(
    async (name: string, options: ConnectionOptions & OutputOptions) => {
      const created = await connect(io, options).api.createTrustDomain(name);
      emit(
        io,
        options,
        created,
        () => `trust domain ${name} created; next: ambient-ca root create --trust-domain ${name}\n`,
      );
    },
  );

  const list = group.command('list').description('the trust domains this token may see');
  addOutputOption(addConnectionOptions(list)).action(async (options: ConnectionOptions & OutputOptions) => {
    const rows = await connect(io, options).api.listTrustDomains();
    emit(io, options, rows, () =>
      table(
        ['name'],
        rows.map(({ name }) => [name]),
      ),
    );
  });
}

import { type Command, Option } from 'commander';
import { addConnectionOptions, connect, type ConnectionOptions } from '../ca/connection.ts';
import { addTrustDomainOption, trustDomainOf, withSuggestions, type TrustDomainOption } from '../ca/names.ts';
import type { Root } from '../ca/types.ts';
import type { Io } from '../io.ts';
import { addOutputOption, emit, type OutputOptions } from '../output/format.ts';
import { pairs, table } from '../output/table.ts';
import { isoTime, shortDuration } from '../output/time.ts';

type Options = ConnectionOptions & OutputOptions & TrustDomainOption;

export function addRootCommands(program: Command, io: Io): void {
  const group = program.command('root').description('what the mesh trusts');

  const create = group
    .command('create')
    .description('create a root; its key is made in the CA and never leaves it unsealed')
    .option('--name <name>', 'a name for people')
    .addOption(
      new Option('--key-type <type>', 'a P-384 signature costs 30 times a P-256 one')
        .choices(['ec-p256', 'ec-p384'])
        .default('ec-p256'),
    );
  addOutputOption(addTrustDomainOption(addConnectionOptions(create))).action(
    async (options: Options & { keyType: string; name?: string }) => {
      const { api } = connect(io, options);
      const trustDomain = await trustDomainOf(io, options, api);
      const input = { keyType: options.keyType, ...(options.name === undefined ? {} : { name: options.name }) };
      const root = await withSuggestions(api, { trustDomain }, () => api.createRoot(trustDomain, input));
      emit(
        io,
        options,
        root,
        () => describe(root) + `\nnext: ambient-ca cluster enrol NAME --trust-domain ${trustDomain} …\n`,
      );
    },
  );

  const list = group.command('list').description('the roots of a trust domain, active first');
  addOutputOption(addTrustDomainOption(addConnectionOptions(list))).action(async (options: Options) => {
    const { api } = connect(io, options);
    const trustDomain = await trustDomainOf(io, options, api);
    const roots = await withSuggestions(api, { trustDomain }, () => api.listRoots(trustDomain));
    emit(io, options, roots, () =>
      table(
        ['id', 'name', 'key', 'state', 'ends in', 'fingerprint (sha-256)'],
        roots.map((r) => [
          r.id,
          r.name,
          r.keyType,
          r.state,
          shortDuration((r.notAfter - io.now()) / 1000),
          r.fingerprint,
        ]),
      ),
    );
  });
}

function describe(root: Root): string {
  return pairs([
    ['root', `${root.id}${root.name === '' || root.name === root.id ? '' : ` (${root.name})`}`],
    ['key', root.keyType],
    ['state', root.state],
    ['valid', `${isoTime(root.notBefore)} to ${isoTime(root.notAfter)}`],
    ['pin', root.fingerprint],
  ]);
}

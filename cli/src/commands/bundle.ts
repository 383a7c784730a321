import type { Command } from 'commander';
import { addConnectionOptions, connect, type ConnectionOptions } from '../ca/connection.ts';
import { addTrustDomainOption, trustDomainOf, type TrustDomainOption } from '../ca/names.ts';
import type { Io } from '../io.ts';
import { addOutputOption, type OutputOptions } from '../output/format.ts';

export function addBundleCommand(program: Command, io: Io): void {
  const command = program
    .command('bundle')
    .description('the trusted roots of a trust domain; public, no token needed when --trust-domain is given');
  addOutputOption(addTrustDomainOption(addConnectionOptions(command)), ['pem', 'json']).action(
    async (options: ConnectionOptions & OutputOptions & TrustDomainOption) => {
      const named = options.trustDomain !== undefined || io.env['AMBIENT_CA_TRUST_DOMAIN'] !== undefined;
      const { api } = connect(io, options, !named);
      const trustDomain = await trustDomainOf(io, options, api);
      if (options.output === 'pem') io.out(await api.bundlePem(trustDomain));
      else io.out(`${JSON.stringify(await api.bundleJson(trustDomain), null, 2)}\n`);
    },
  );
}

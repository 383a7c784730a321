import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AdminApi } from '../ca/api.ts';
import { addConnectionOptions, connect, readToken, type ConnectionOptions } from '../ca/connection.ts';
import { nodeFetch } from '../ca/node_fetch.ts';
import { CliError } from '../errors.ts';
import { writeSecret, type Io } from '../io.ts';
import { addOutputOption, emit, type OutputOptions } from '../output/format.ts';
import { pairs } from '../output/table.ts';

interface Options extends ConnectionOptions, OutputOptions {
  bootstrapTokenFile: string;
  out: string;
  tokenName: string;
  trustDomain?: string;
}

export function addBootstrapCommand(program: Command, io: Io): void {
  const command = program
    .command('bootstrap')
    .description('make the first admin token of a new CA; works once in the life of a deployment')
    .requiredOption('--bootstrap-token-file <file>', 'file with the deployment’s BOOTSTRAP_TOKEN')
    .requiredOption('--out <file>', 'where to write the admin’s API token (mode 0600)')
    .option('--token-name <name>', 'name of the admin token in the audit', 'first-admin')
    .option('--trust-domain <name>', 'also create this trust domain, e.g. cluster.local');
  addOutputOption(addConnectionOptions(command)).action(async (options: Options) => {
    const out = resolve(io.cwd, options.out);
    // The token is shown once: losing it to an existing file would lose the deployment.
    if (existsSync(out)) {
      throw new CliError('input-file', `--out: ${options.out} exists`, { next: 'name a new file' });
    }
    const bootstrapToken = readToken(io, options.bootstrapTokenFile, '--bootstrap-token-file');
    const { url, tlsRoots } = connect(io, options, false);
    const fetch = nodeFetch({ roots: tlsRoots?.pem });
    const answer = await new AdminApi({ url, token: bootstrapToken, fetch }).bootstrap(options.tokenName);
    writeSecret(out, `${answer.token}\n`);
    if (options.trustDomain !== undefined) {
      await new AdminApi({ url, token: answer.token, fetch }).createTrustDomain(options.trustDomain);
    }
    const document = { instanceId: answer.instanceId, tokenFile: out, trustDomain: options.trustDomain ?? null };
    emit(io, options, document, () => {
      const next =
        options.trustDomain === undefined
          ? 'ambient-ca trust-domain create NAME'
          : `ambient-ca root create --trust-domain ${options.trustDomain}`;
      return (
        pairs([
          ['instance id', answer.instanceId],
          ['admin token', `${out} (shown nowhere else)`],
          ...(options.trustDomain === undefined ? [] : [['trust domain', options.trustDomain] as const]),
        ]) +
        `\nSet INSTANCE_ID=${answer.instanceId} in the deployment: an empty state under it is then an error, never a second CA.\n` +
        `Then: export AMBIENT_CA_URL=${url} AMBIENT_CA_TOKEN_FILE=${out}\n      ${next}\n`
      );
    });
  });
}

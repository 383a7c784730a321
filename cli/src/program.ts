import { Command } from 'commander';
import { addApiTokenCommands } from './commands/api_token.ts';
import { addAuditCommands } from './commands/audit.ts';
import { addBootstrapCommand } from './commands/bootstrap.ts';
import { addBundleCommand } from './commands/bundle.ts';
import { addCertCommands } from './commands/cert.ts';
import { addClusterCommands } from './commands/cluster.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addDevCommands } from './commands/dev.ts';
import { addRootCommands } from './commands/root.ts';
import { addTokenCommand } from './commands/token.ts';
import { addTrustDomainCommands } from './commands/trust_domain.ts';
import type { Io } from './io.ts';
import { packageVersion } from './version.ts';

const AFTER = `
Which CA: --ca URL --token-file FILE, or AMBIENT_CA_URL and AMBIENT_CA_TOKEN_FILE.
Exit codes: 0 done, 1 failed, 2 usage or input, 3 not allowed, 4 not found, 5 conflict, 6 not reachable, 7 not verified.

From nothing:   npm start                                  a development CA and agent on this machine
On a new CA:    ambient-ca bootstrap --trust-domain NAME   then root create, then cluster enrol`;

/**
 * The command tree. Subcommands inherit the settings that `command()` copies from their parent, so those come first.
 */
export function buildProgram(io: Io, { quietErrors = false }: { quietErrors?: boolean } = {}): Command {
  const program = new Command('ambient-ca')
    .description('A certificate authority for Istio meshes: the operator’s command line')
    .version(packageVersion())
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('  next: add --help to see what this command takes')
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => {
        if (!quietErrors) io.err(text);
      },
    })
    .addHelpText('after', AFTER);
  addBootstrapCommand(program, io);
  addTrustDomainCommands(program, io);
  addRootCommands(program, io);
  addClusterCommands(program, io);
  addCertCommands(program, io);
  addBundleCommand(program, io);
  addApiTokenCommands(program, io);
  addAuditCommands(program, io);
  addDoctorCommand(program, io);
  addTokenCommand(program, io);
  addDevCommands(program, io);
  return program;
}

import { CommanderError } from 'commander';
import { CliError, EXIT, type ExitCode } from './errors.ts';
import { processIo, type Io } from './io.ts';
import { buildProgram } from './program.ts';

/** Runs one command line. @returns the exit code (see `EXIT`); never throws */
export async function main(argv: readonly string[], io: Io = processIo()): Promise<ExitCode> {
  const asJson = wantsJson(argv);
  try {
    await buildProgram(io, { quietErrors: asJson }).parseAsync(argv, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.ok;
      if (asJson) printJsonError(io, 'usage', error.message.replace(/^error: /, ''), undefined, EXIT.usage);
      return EXIT.usage;
    }
    if (error instanceof CliError) {
      if (asJson) printJsonError(io, error.problem ?? error.code, error.message, error.next, error.exitCode);
      else io.err(`error: ${error.message}\n${error.next === undefined ? '' : `  next: ${error.next}\n`}`);
      return error.exitCode;
    }
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    io.err(`error: this is a fault in ambient-ca itself\n${message}\n`);
    return EXIT.failed;
  }
}

/** Known before parsing, because a parse error is to be printed in the form that was asked for. */
function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (arg, i) =>
      ['-ojson', '-o=json', '--output=json'].includes(arg) ||
      (['-o', '--output'].includes(arg) && argv[i + 1] === 'json'),
  );
}

function printJsonError(io: Io, code: string, message: string, next: string | undefined, exitCode: number): void {
  io.err(`${JSON.stringify({ error: { code, message, next: next ?? null, exitCode } })}\n`);
}

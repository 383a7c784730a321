import { startAgent, StartError } from './agent.ts';
import { ConfigError, helpText, parseConfig } from './config/parse.ts';
import { createLog } from './log.ts';

/** Exit codes: 2 for a configuration that cannot be right, 1 for what may be right another time. */
const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

function complain(title: string, faults: readonly string[]): void {
  process.stderr.write(`csr-agent: ${title}\n${faults.map((fault) => `  ${fault}\n`).join('')}`);
}

async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(helpText());
    return;
  }
  const config = parseConfig(argv, process.env);
  const { log, flush } = createLog(config.logLevel);
  const exit = (code: number): void => {
    flush();
    process.exit(code);
  };
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (err: unknown) => {
      log.fatal({ err }, 'a fault of the agent ended it');
      exit(EXIT.failed);
    });
  }
  await startAgent(config, log, exit);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof ConfigError) {
    complain(`${error.message} (--help lists the settings)`, error.faults);
    process.exit(EXIT.usage);
  }
  complain('cannot start', error instanceof StartError ? error.faults : [String(error)]);
  process.exit(EXIT.failed);
}

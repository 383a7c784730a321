import { type Command, Option } from 'commander';
import type { Io } from '../io.ts';

export interface OutputOptions {
  output: string;
}

export function addOutputOption(command: Command, formats: readonly string[] = ['text', 'json']): Command {
  return command.addOption(
    new Option('-o, --output <format>', 'how to print').choices(formats).default(formats[0] ?? 'text'),
  );
}

/** Prints one result: the document for programs, or the text for people. */
export function emit(io: Io, options: OutputOptions, document: unknown, text: () => string): void {
  io.out(options.output === 'json' ? `${JSON.stringify(document, null, 2)}\n` : text());
}

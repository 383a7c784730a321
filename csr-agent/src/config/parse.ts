import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { OPTIONS, flagOf, variableOf, type AgentConfig, type Option, type OptionName } from './options.ts';

/** Every fault of a configuration at once, each a sentence that names where the value came from. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`the agent's configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}`);
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

interface Given {
  readonly values: readonly string[];
  readonly from: string;
}

const names = Object.keys(OPTIONS) as OptionName[];
const option = (name: OptionName): Option => OPTIONS[name];
const isMany = (name: OptionName): boolean => option(name).many === true;

/**
 * Flags win over the environment, and the environment over the file of `--config`. Unknown flags, AMBIENT_AGENT_*
 * variables and members of the file are refused: a setting that nobody reads is a mistake.
 *
 * @throws ConfigError
 */
export function parseConfig(argv: readonly string[], environment: NodeJS.ProcessEnv): AgentConfig {
  const faults: string[] = [];
  const flags = readFlags(argv, faults);
  const file = readFile(flags.config, faults);
  const variables = readEnvironment(environment, faults);
  const config: Record<string, unknown> = {};
  for (const name of names) {
    const given = flags.given.get(name) ?? variables.get(name) ?? file.get(name) ?? fallbackOf(name);
    config[name] = given === undefined ? missing(name, faults) : valueOf(name, given, faults);
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return config as AgentConfig;
}

function valueOf(name: OptionName, given: Given, faults: string[]): unknown {
  if (!isMany(name) && given.values.length !== 1) {
    faults.push(`${given.from}: given ${given.values.length} times, expected once`);
    return undefined;
  }
  const values = given.values.map((value) => {
    const result = OPTIONS[name].type.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) faults.push(`${given.from}: ${issue.message}`);
    return undefined;
  });
  return isMany(name) ? values : values[0];
}

function fallbackOf(name: OptionName): Given | undefined {
  const { fallback } = option(name);
  if (fallback === undefined) return undefined;
  return { values: typeof fallback === 'string' ? [fallback] : fallback, from: flagOf(name) };
}

function missing(name: OptionName, faults: string[]): null {
  if (option(name).optional !== true) {
    faults.push(`${flagOf(name)} (or ${variableOf(name)}) is missing: ${OPTIONS[name].help}`);
  }
  return null;
}

function readFlags(
  argv: readonly string[],
  faults: string[],
): { given: Map<OptionName, Given>; config: string | null } {
  const given = new Map<OptionName, Given>();
  let config: string | null = null;
  const { tokens } = parseArgs({ args: [...argv], strict: false, tokens: true, allowPositionals: true });
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined) continue;
    if (token.kind !== 'option') {
      faults.push(token.kind === 'positional' ? `${token.value}: expected a flag` : 'unexpected --');
      continue;
    }
    const next = tokens[i + 1];
    let value = token.value;
    if (value === undefined && next?.kind === 'positional') {
      value = next.value;
      i++;
    }
    const name = names.find((candidate) => flagOf(candidate) === token.rawName);
    if (value === undefined) faults.push(`${token.rawName}: expected a value`);
    else if (token.rawName === '--config') config = value;
    else if (name === undefined) faults.push(`${token.rawName}: unknown flag, --help lists them`);
    else given.set(name, { values: [...(given.get(name)?.values ?? []), value], from: token.rawName });
  }
  return { given, config };
}

function readEnvironment(environment: NodeJS.ProcessEnv, faults: string[]): Map<OptionName, Given> {
  const given = new Map<OptionName, Given>();
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('AMBIENT_AGENT_') || value === undefined) continue;
    const name = names.find((candidate) => variableOf(candidate) === variable);
    if (name === undefined) faults.push(`${variable}: unknown variable, --help lists them`);
    else given.set(name, { values: isMany(name) ? value.split(',') : [value], from: variable });
  }
  return given;
}

function readFile(path: string | null, faults: string[]): Map<OptionName, Given> {
  const given = new Map<OptionName, Given>();
  if (path === null) return given;
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    faults.push(`--config: cannot read ${path} as JSON: ${error instanceof Error ? error.message : String(error)}`);
    return given;
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    faults.push(`${path}: expected a JSON object`);
    return given;
  }
  for (const [member, value] of Object.entries(document as Record<string, unknown>)) {
    const from = `${path}: ${member}`;
    const name = names.find((candidate) => candidate === member);
    const values = Array.isArray(value) ? (value as unknown[]) : [value];
    if (name === undefined) faults.push(`${from}: unknown setting, --help lists them in kebab case`);
    else if (!values.every((each) => typeof each === 'string'))
      faults.push(`${from}: expected text or a list of texts`);
    else given.set(name, { values, from });
  }
  return given;
}

/** What `--help` prints, made from the same table. */
export function helpText(): string {
  const rows = names.map((name) => {
    const { many, optional, fallback } = option(name);
    const preset = typeof fallback === 'string' ? ` (default ${fallback})` : '';
    const need = fallback === undefined && optional !== true ? ' (required)' : '';
    return `  ${flagOf(name).padEnd(24)} ${OPTIONS[name].help}${preset}${need}${many === true ? ' [repeatable]' : ''}`;
  });
  return [
    'csr-agent: the Istio CA gRPC API in a cluster, in front of the ambient-ca edge.',
    '',
    'Usage: csr-agent [--config FILE] [flags]',
    '',
    ...rows,
    `  ${'--config'.padEnd(24)} JSON file with the same settings in camel case; flags and variables win over it`,
    '',
    'Each flag has a variable: --ca-url is AMBIENT_AGENT_CA_URL. Repeatable ones are separated by commas there.',
    '',
  ].join('\n');
}

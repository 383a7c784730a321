import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { resolve } from 'node:path';
import { z } from 'zod';
import { readJwks } from '../commands/enrolment.ts';
import { CliError } from '../errors.ts';
import { writeSecret } from '../io.ts';
import type { DevPaths } from './paths.ts';
import { examplePods, readPods } from './pods.ts';
import { generateTokenKey, publicJwk } from './token_issuer.ts';

export interface DevOptions {
  pods?: string;
  jwks?: string;
  issuer?: string;
  minTtl?: number;
}

/** What the cluster was enrolled with, kept so that a start without options repeats the one before. */
const schema = z.strictObject({
  version: z.literal(1),
  issuer: z.string(),
  minTtlSeconds: z.int(),
  extraKeys: z.array(z.record(z.string(), z.unknown())),
  podsFile: z.string(),
});

export type DevSettings = z.infer<typeof schema>;

const DEFAULT_ISSUER = 'https://kubernetes.default.svc';
const DEFAULT_MIN_TTL = 600;

/**
 * Makes whatever is not there yet: the directory, keys, tokens, the list of pods; and settles the options against the
 * start before.
 * @throws CliError `dev-state` when an option contradicts what the cluster is enrolled with
 */
export async function prepareState(cwd: string, paths: DevPaths, options: DevOptions): Promise<DevSettings> {
  mkdirSync(paths.dir, { recursive: true, mode: 0o700 });
  chmodSync(paths.dir, 0o700);
  mkdirSync(paths.caState, { recursive: true, mode: 0o700 });
  mkdirSync(paths.agentState, { recursive: true, mode: 0o700 });

  const before = readSettings(paths);
  const settings = settle(before, options, paths, cwd);
  if (settings.podsFile === paths.pods) once(paths.pods, () => `${JSON.stringify(examplePods(), null, 2)}\n`);
  readPods(settings.podsFile);

  const kek = { current: '1', keys: { 1: randomBytes(32).toString('base64') } };
  once(paths.kek, () => `${JSON.stringify(kek)}\n`);
  once(paths.bootstrapToken, () => `${randomBytes(32).toString('base64url')}\n`);
  if (!existsSync(paths.tokenKey)) writeSecret(paths.tokenKey, await generateTokenKey());
  // Whatever the cluster trusts for tokens: the local issuer's key, and those of --jwks.
  const local = await publicJwk(readFileSync(paths.tokenKey, 'utf8'));
  writeSecret(paths.tokenJwks, `${JSON.stringify({ keys: [local, ...settings.extraKeys] }, null, 2)}\n`);
  writeFileSync(paths.settings, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
  return settings;
}

function settle(before: DevSettings | null, options: DevOptions, paths: DevPaths, cwd: string): DevSettings {
  const extraKeys =
    options.jwks === undefined ? undefined : readJwks(options.jwks, '--jwks').keys.map((key) => ({ ...key }));
  // Until the CA has an instance, nothing is enrolled that an option could contradict.
  const enrolledBefore = before !== null && existsSync(paths.instanceId);
  const fixed: readonly (readonly [string, unknown, unknown])[] = [
    ['--issuer', options.issuer, before?.issuer],
    ['--min-ttl', options.minTtl, before?.minTtlSeconds],
    ['--jwks', extraKeys, before?.extraKeys],
  ];
  for (const [option, asked, enrolled] of fixed) {
    if (!enrolledBefore || asked === undefined || isDeepStrictEqual(asked, enrolled)) continue;
    throw new CliError('dev-state', `${option} differs from what the cluster in ${paths.dir} is enrolled with`, {
      next: `leave ${option} out, or start a new environment: --state OTHER-DIR (or remove ${paths.dir})`,
    });
  }
  return {
    version: 1,
    issuer: options.issuer ?? before?.issuer ?? DEFAULT_ISSUER,
    minTtlSeconds: options.minTtl ?? before?.minTtlSeconds ?? DEFAULT_MIN_TTL,
    extraKeys: extraKeys ?? before?.extraKeys ?? [],
    podsFile: options.pods === undefined ? (before?.podsFile ?? paths.pods) : resolve(cwd, options.pods),
  };
}

function readSettings(paths: DevPaths): DevSettings | null {
  if (!existsSync(paths.settings)) return null;
  const parsed = schema.safeParse(JSON.parse(readFileSync(paths.settings, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new CliError('dev-state', `${paths.settings} is not one this version can read`, {
    next: `remove ${paths.dir} to start anew (its certificates end with it)`,
  });
}

/** Writes a file on the first start only. */
function once(path: string, content: () => string): void {
  if (!existsSync(path)) writeSecret(path, content());
}

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { CliError } from '../errors.ts';
import { REPOSITORY, type DevPaths } from './paths.ts';
import type { PartSpec } from './part.ts';

/** workerd names its platforms its own way. */
const WORKERD_PLATFORM: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-64',
  'linux-arm64': 'linux-arm64',
  'darwin-x64': 'darwin-64',
  'darwin-arm64': 'darwin-arm64',
};

/** The binary itself: `node_modules/.bin/workerd` may be a shim that passes no signals on. */
export function workerdBinary(platform: string = process.platform, arch: string = process.arch): string {
  const name = WORKERD_PLATFORM[`${platform}-${arch}`];
  if (name === undefined) {
    throw new CliError('dev-start', `workerd has no binary for ${platform} ${arch}`, {
      next: 'use Linux x64 or arm64, or macOS; the CA also runs at the edge (wrangler)',
    });
  }
  const { resolve } = createRequire(import.meta.url);
  try {
    return resolve(`@cloudflare/workerd-${name}/bin/workerd`);
  } catch (cause) {
    throw new CliError('dev-start', `@cloudflare/workerd-${name} is not installed`, { next: 'npm ci', cause });
  }
}

export function caPart(paths: DevPaths, port: number): PartSpec {
  return {
    name: 'the CA',
    command: workerdBinary(),
    args: [
      'serve',
      join(REPOSITORY, 'infra/workerd/ambient-ca.capnp'),
      `--socket-addr=http=127.0.0.1:${port}`,
      `--directory-path=state=${paths.caState}`,
    ],
    env: {
      KEK: secret(paths.kek),
      BOOTSTRAP_TOKEN: secret(paths.bootstrapToken),
      CA_URL: caUrlOf(port),
      ENVIRONMENT: 'dev',
      // Known after the first start; from then on an empty state is an error and not a second CA.
      ...(existsSync(paths.instanceId) ? { INSTANCE_ID: secret(paths.instanceId) } : {}),
    },
    cwd: REPOSITORY,
    logFile: paths.caLog,
  };
}

function secret(path: string): string {
  return readFileSync(path, 'utf8').trim();
}

export function caUrlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';
import type { Machine } from './page.ts';

const PACKAGES = ['workerd', '@grpc/grpc-js'] as const;

/** Where and with what a run was made. */
export function machine(): Machine {
  const { resolve } = createRequire(import.meta.url);
  const versionOf = (name: string): string => {
    return (JSON.parse(readFileSync(resolve(`${name}/package.json`), 'utf8')) as { version: string }).version;
  };
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: said('git', ['rev-parse', '--short', 'HEAD']) ?? 'unknown',
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: totalmem() / 2 ** 30,
    versions: {
      Node: process.versions.node,
      ...Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
      Go: said('go', ['env', 'GOVERSION'])?.replace(/^go/, '') ?? 'none',
    },
  };
}

function said(command: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

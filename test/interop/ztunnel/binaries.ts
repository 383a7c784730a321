import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { basename } from 'node:path';

export interface Binary {
  name: string;
  path: string;
}

/** ZTUNNEL_BIN, a path or several with commas between them, and ZTUNNEL_BIN_2 for one more. @throws Error when one cannot be run */
export function binaries(env: NodeJS.ProcessEnv = process.env): Binary[] {
  const paths = [...(env['ZTUNNEL_BIN'] ?? '').split(','), env['ZTUNNEL_BIN_2'] ?? ''].map((path) => path.trim());
  return paths
    .filter((path) => path !== '')
    .map((path) => {
      accessSync(path, constants.X_OK);
      return { name: basename(path), path };
    });
}

/** Each with itself, and each with each other, both ways. */
export function pairs(all: readonly Binary[]): [Binary, Binary][] {
  return all.flatMap((a) => all.map((b): [Binary, Binary] => [a, b]));
}

/** From each to the one that is named after it: they are named from the oldest to the newest. */
export function upgrades(all: readonly Binary[]): [Binary, Binary][] {
  return all.slice(1).map((newer, index): [Binary, Binary] => [all[index]!, newer]);
}

/**
 * Whether a failed renewal leaves the valid certificate in use: since 1.28 (istio-contract §A7); before, it is an outage of that
 * identity at once. A version that cannot be read counts as a newer one, of which more is asked.
 */
export function keepsOnFailure({ path }: Binary): boolean {
  const said = spawnSync(path, ['version'], { encoding: 'utf8' }).stdout;
  const minor = /Version:"(?:release-)?1\.(\d+)/.exec(said)?.[1];
  return minor === undefined || Number(minor) >= 28;
}

const works = (command: string, args: readonly string[]): boolean => spawnSync(command, args).status === 0;

/** Why dedicated mode cannot be tested on this machine, or undefined. */
export function dedicatedBlocker(): string | undefined {
  if (process.platform !== 'linux') return 'ztunnel runs on Linux';
  if (binaries().length === 0) return 'ZTUNNEL_BIN names no ztunnel';
  return works('cc', ['--version']) ? undefined : 'there is no C compiler (cc) for bindshim.c';
}

/** Why an upgrade cannot be tested on this machine, or undefined. */
export function upgradeBlocker(): string | undefined {
  return dedicatedBlocker() ?? (binaries().length < 2 ? 'ZTUNNEL_BIN names only one ztunnel' : undefined);
}

/** Shared mode wants a network namespace of its own; an ordinary user gets one by `unshare -rn`. */
export function sharedBlocker(): string | undefined {
  if (process.platform !== 'linux') return 'ztunnel runs on Linux';
  if (binaries().length === 0) return 'ZTUNNEL_BIN names no ztunnel';
  return works('unshare', ['-rn', 'ip', 'link', 'set', 'lo', 'up'])
    ? undefined
    : '`unshare -rn ip link set lo up` is refused';
}

export function sayIfSkipped(suite: string, blocker: string | undefined): boolean {
  if (blocker !== undefined) console.log(`interop/ztunnel ${suite}: skipped, ${blocker}`);
  return blocker !== undefined;
}

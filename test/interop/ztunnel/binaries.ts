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

const works = (command: string, args: readonly string[]): boolean => spawnSync(command, args).status === 0;

/** Why dedicated mode cannot be tested on this machine, or undefined. */
export function dedicatedBlocker(): string | undefined {
  if (process.platform !== 'linux') return 'ztunnel runs on Linux';
  if (binaries().length === 0) return 'ZTUNNEL_BIN names no ztunnel';
  return works('cc', ['--version']) ? undefined : 'there is no C compiler (cc) for bindshim.c';
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

import { execFileSync, spawn } from 'node:child_process';
import { once as event } from 'node:events';
import { join } from 'node:path';
import type { Dev } from '../support/dev.ts';
import type { Pids } from './cpu.ts';
import type { Target } from './h2_connection.ts';

/** Another CA that the same requests go to, in the same run. */
export interface Anchor {
  name: string;
  target: Target;
  pids: Pids;
  /** Of the ztunnel of each node, where it does not take those of our own issuer. */
  tokens?: readonly string[];
  stop: () => void | Promise<void>;
}

const SOURCE = join(import.meta.dirname, 'anchor');

/**
 * Starts the plain grpc-go CA of `anchor/`: the binary that ANCHOR_BIN names, or one built now by the Go on the machine.
 *
 * @returns why there is none, where it cannot be had
 */
export async function startAnchor(dev: Dev): Promise<Anchor | string> {
  const binary = process.env['ANCHOR_BIN'] ?? build(dev.folder);
  if (binary === undefined) return 'no anchor: ANCHOR_BIN names none, and Go could not build test/bench/anchor';
  const { issuer, audience } = dev.info.tokens;
  const jwks = join(dev.folder, 'token-issuer-jwks.json');
  const child = spawn(binary, ['-jwks', jwks, '-issuer', issuer, '-audience', audience], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // As many threads as our two processes have cores.
    env: { ...process.env, GOMAXPROCS: '2' },
  });
  const failed = event(child, 'exit').then(([code]) => `no anchor: ${binary} ended with ${String(code)}`);
  const line = event(child.stdout, 'data').then(([data]) => String(data));
  const started = await Promise.race([failed, line]);
  if (started.startsWith('no anchor') || child.pid === undefined) return started;
  const { port, roots } = JSON.parse(started) as { port: number; roots: string };
  const target = { host: '127.0.0.1', port, serverName: 'localhost', roots };
  return { name: 'grpc-go', target, pids: { agent: child.pid }, stop: () => void child.kill() };
}

function build(folder: string): string | undefined {
  const binary = join(folder, 'anchor');
  try {
    execFileSync('go', ['build', '-o', binary, '.'], { cwd: SOURCE, stdio: ['ignore', 'ignore', 'pipe'] });
    return binary;
  } catch {
    return undefined;
  }
}

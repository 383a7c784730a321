import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../errors.ts';
import { isAlive } from './processes.ts';
import { REPOSITORY } from './paths.ts';

interface Build {
  name: string;
  script: string;
  output: string;
  inputs: readonly string[];
}

const BUILDS: readonly Build[] = [
  {
    name: 'the CA',
    script: 'build:ca',
    output: 'dist/ca-service/index.js',
    inputs: ['ca-service/src', 'pki/src', 'policies/src', 'wrangler.toml', 'package-lock.json'],
  },
  {
    name: 'the agent',
    script: 'build:agent',
    output: 'dist/csr-agent/main.mjs',
    inputs: ['csr-agent', 'pki/src', 'policies/src', 'ca-service/src/client', 'package-lock.json'],
  },
];

/** Whether a source is newer than what was built from it, or nothing was. */
export function isStale(build: Build, root = REPOSITORY): boolean {
  const output = join(root, build.output);
  if (!existsSync(output)) return true;
  const built = statSync(output).mtimeMs;
  return build.inputs.some((input) => newest(join(root, input)) > built);
}

function newest(path: string): number {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  // The directory's own time counts: it changes when a file is removed.
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/**
 * Builds what is stale, one start at a time: two beside each other share `dist/`, and neither may run what the other is
 * still writing.
 * @throws CliError `dev-start`
 */
export async function buildStale(say: (line: string) => void, now: () => number): Promise<void> {
  const release = await takeLock(join(REPOSITORY, 'dist', '.build-lock'), now);
  try {
    for (const build of BUILDS) {
      if (!isStale(build)) continue;
      const started = now();
      // One after the other: each takes a core and a half.
      // oxlint-disable-next-line no-await-in-loop
      await runScript(build);
      say(`built ${build.name} (${build.output}, ${((now() - started) / 1000).toFixed(1)} s)`);
    }
  } finally {
    release();
  }
}

function runScript(build: Build): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['run', '--silent', build.script], {
      cwd: REPOSITORY,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Its output is not ours to protect: the umask of the state would make dist/ unreadable to others.
      env: process.env,
    });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    const fail = (why: string, cause?: unknown) =>
      reject(
        new CliError(
          'dev-start',
          `npm run ${build.script} ${why}\n${Buffer.concat(output).toString('utf8').trimEnd()}`,
          {
            next: `run \`npm run ${build.script}\` by hand; after a pull, \`npm ci\` first`,
            cause,
          },
        ),
      );
    child.on('error', (error) => fail('could not be started', error));
    child.on('exit', (code) => (code === 0 ? resolve() : fail(`ended with ${code}`)));
  });
}

const LOCK_PATIENCE_MS = 120_000;

async function takeLock(path: string, now: () => number): Promise<() => void> {
  mkdirSync(join(path, '..'), { recursive: true });
  const deadline = now() + LOCK_PATIENCE_MS;
  for (;;) {
    try {
      const fd = openSync(path, 'wx');
      writeSync(fd, String(process.pid));
      closeSync(fd);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error;
    }
    if (!holderAlive(path) || now() > deadline) rmSync(path, { force: true });
    // oxlint-disable-next-line no-await-in-loop -- polls
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function holderAlive(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    // An empty file is a holder between its two system calls.
    return pid === 0 || isAlive(pid);
  } catch {
    return false;
  }
}

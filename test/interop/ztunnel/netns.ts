// Runs inside a network namespace: brings its loopback up, relays, starts ztunnel and ends with it.
// Arguments: UNIX socket of the CA outside, the CA's port, UNIX socket to offer the admin port on, ztunnel.
import { spawn, spawnSync } from 'node:child_process';
import net from 'node:net';

const [caSocket = '', caPort = '', adminSocket = '', binary = ''] = process.argv.slice(2);

function relay(to: net.NetConnectOpts): net.Server {
  return net.createServer((one) => {
    const other = net.connect(to);
    one.pipe(other).pipe(one);
    for (const socket of [one, other]) socket.on('error', () => [one, other].forEach((each) => each.destroy()));
  });
}

if (spawnSync('ip', ['link', 'set', 'lo', 'up']).status !== 0) throw new Error('no loopback');
relay({ path: caSocket }).listen(Number(caPort), '127.0.0.1', () => {
  relay({ port: 15_000, host: '127.0.0.1' }).listen(adminSocket);
  const ztunnel = spawn(binary, { stdio: 'inherit' });
  ztunnel.once('exit', (code) => process.exit(code ?? 1));
  process.once('SIGTERM', () => ztunnel.kill('SIGKILL'));
});

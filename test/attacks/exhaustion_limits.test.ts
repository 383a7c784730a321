import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import http2 from 'node:http2';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { AgentProcess, commandOf } from '../support/agent_process.ts';
import { ztunnelCsr } from '../support/client/csr.ts';
import { Ztunnel } from '../support/client/ztunnel.ts';
import { Dev, nodePods } from '../support/dev.ts';
import { until } from '../support/processes.ts';
import type { Pod } from '../support/token.ts';
import { CREATE_CERTIFICATE, frame } from '../support/wire/channel.ts';
import { encodeRequest } from '../support/wire/protobuf.ts';
import { Attacker, many } from './exhaustion_attacker.ts';

const { ztunnel, pods } = nodePods('node-1', ['web']);
const WEB = pods[0] as Pod;
const full = process.env['ATTACKS'] === 'full';
const prlimit = spawnSync('prlimit', ['--version']).status === 0;
let dev: Dev;
const opened: { close(): void }[] = [];
const agents: AgentProcess[] = [];

beforeAll(async () => {
  dev = await Dev.start({ pods: [ztunnel, ...pods] });
  if (!full) console.log('the deadlines of streams take 16 s to see, and are left out without ATTACKS=full');
  if (!prlimit) console.log('descriptors cannot be limited without prlimit');
});
afterEach(async () => {
  for (const one of opened.splice(0)) one.close();
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
});
afterAll(() => dev.stop());

async function agent(name: string, ...flags: string[]): Promise<{ process: AgentProcess; address: Dev['address'] }> {
  const state = join(dev.folder, name);
  const settings = { log: `${state}.log`, flags: [`--state-dir=${state}`, ...flags] };
  const process = AgentProcess.start(commandOf(dev.info.agent.pid), dev, settings);
  agents.push(process);
  return { process, address: await process.address() };
}
const client = (address: Dev['address']): Ztunnel => {
  const made = new Ztunnel({ ...address, mode: 'shared', token: () => dev.token(ztunnel) });
  opened.push(made);
  return made;
};
const closed = (stream: http2.ClientHttp2Stream): Promise<number> =>
  new Promise((resolve) => stream.once('close', () => resolve(stream.rstCode)));
const crowd = async (address: Dev['address'], count: number): Promise<Attacker[]> => {
  const all = await many(count, 16, async () => (await Attacker.open(address)).hello());
  opened.push(...all);
  return all;
};

test('with --max-connections=50 an agent has no more, and its known client keeps the one it has', async () => {
  const { process, address } = await agent('few', '--max-connections=50');
  const known = client(address);
  await known.fetchCertificate(dev.identity(WEB));
  const before = readdirSync(`/proc/${process.pid}/fd`).length;
  const strangers = await crowd(address, 300);
  await until('the strangers are ended', 60_000, () => strangers.filter(({ gone }) => !gone).length <= 49);
  expect(readdirSync(`/proc/${process.pid}/fd`).length).toBeLessThanOrEqual(before + 50);
  await known.fetchCertificate(dev.identity(WEB));
  expect(known.channel.connections).toBe(1);
  await client(address).fetchCertificate(dev.identity(WEB));
});

test.skipIf(!prlimit)(
  'without descriptors for newcomers the known client is served, and afterwards all are',
  async () => {
    const { process, address } = await agent('poor');
    const known = client(address);
    await known.fetchCertificate(dev.identity(WEB));
    const limit = readdirSync(`/proc/${process.pid}/fd`).length + 20;
    expect(spawnSync('prlimit', [`--pid=${process.pid}`, `--nofile=${limit}:${limit}`]).status).toBe(0);
    const strangers = crowd(address, 200);
    for (let at = 0; at < 20; at++) await known.fetchCertificate(dev.identity(WEB));
    expect(known.channel.connections).toBe(1);
    await strangers;
    for (const one of opened.splice(0)) one.close();
    await until('a newcomer is served', 60_000, () =>
      client(address)
        .fetchCertificate(dev.identity(WEB))
        .then(
          () => true,
          () => false,
        ),
    );
  },
);

test.skipIf(!full)(
  'a request that does not end, and an answer that is not taken, are ended; a health watch is not',
  async () => {
    const { address } = await agent('patient');
    const connect = (settings: http2.Settings): http2.ClientHttp2Session => {
      const { host, port, serverName: servername, roots: ca } = address;
      const session = http2.connect(`https://${servername}:${port}`, {
        settings,
        createConnection: () => tls.connect({ host, port, servername, ca, ALPNProtocols: ['h2'] }),
      });
      session.on('error', () => undefined);
      opened.push({ close: () => session.destroy() });
      return session;
    };
    const call = (session: http2.ClientHttp2Session, path: string): http2.ClientHttp2Stream => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        authorization: `Bearer ${dev.token(WEB)}`,
        clusterid: dev.info.clusterId,
      });
      stream.on('error', () => undefined);
      return stream;
    };
    const session = connect({});
    const unfinished = call(session, CREATE_CERTIFICATE);
    unfinished.write(Buffer.from([0, 0]));
    const untaken = call(connect({ initialWindowSize: 0 }), CREATE_CERTIFICATE);
    untaken.end(frame(encodeRequest({ csr: ztunnelCsr(dev.identity(WEB)).pem, validityDuration: 3_600 })));
    const watch = call(session, '/grpc.health.v1.Health/Watch');
    watch.resume().end(frame(new Uint8Array()));
    const { NGHTTP2_ENHANCE_YOUR_CALM } = http2.constants;
    expect(await Promise.all([closed(unfinished), closed(untaken)])).toEqual([
      NGHTTP2_ENHANCE_YOUR_CALM,
      NGHTTP2_ENHANCE_YOUR_CALM,
    ]);
    expect(watch.closed).toBe(false);
    await client(address).fetchCertificate(dev.identity(WEB));
  },
);

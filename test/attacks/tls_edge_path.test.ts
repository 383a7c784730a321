import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AgentProcess } from '../support/agent_process.ts';
import { Ztunnel } from '../support/client/ztunnel.ts';
import { ConnectProxy } from '../support/connect_proxy.ts';
import { nodePods } from '../support/dev.ts';
import { EdgePath } from '../support/edge_path.ts';
import { until } from '../support/processes.ts';
import { podToken, type Pod } from '../support/token.ts';
import { toyCa } from '../support/toy/authority.ts';
import { around } from '../support/toy/ca_server.ts';

const URL = 'https://ca.ambient.example';
const CREDENTIALS = 'mesh:s3cret-of-the-proxy';
const DAY = 86_400_000;
const { ztunnel, pods } = nodePods('node-1', ['web']);
const WEB = pods[0] as Pod;
const privateCa = (name: string) => toyCa(name, around(DAY, DAY));

const first = privateCa('first');
let path: EdgePath;
let proxy: ConnectProxy;
let roots: string;

beforeAll(async () => {
  path = await EdgePath.start(URL, first, [ztunnel, ...pods]);
  roots = join(path.folder, 'trusted-ca.pem');
  proxy = await ConnectProxy.start({ 'ca.ambient.example:443': path.port }, CREDENTIALS);
});
afterAll(async () => {
  await path.stop();
  await proxy.stop();
});
beforeEach(() => {
  proxy.mood = 'tunnel';
  proxy.asked.length = 0;
  // As a trusted CA bundle of a platform: several, and text between them.
  writeFileSync(roots, `# of the platform\n${privateCa('another').pem}\n# of the CA\n${first.pem}`);
});

const certify = async (agent: AgentProcess) => {
  const options = { ...(await agent.address()), mode: 'shared' as const, token: () => podToken(path.issuer, ztunnel) };
  const client = new Ztunnel(options);
  try {
    return await client.fetchCertificate(path.identity(WEB));
  } finally {
    client.close();
  }
};
const starting = (name: string, env: Record<string, string>, flags: string[] = []) =>
  path.agent(name, [`--ca-cert=${roots}`, ...flags], env);

describe('the agent behind a CONNECT proxy', () => {
  test('reaches the CA by HTTPS_PROXY, with a private root, and never tells the password', async () => {
    const agent = starting('by-variable', { HTTPS_PROXY: proxy.url, NO_PROXY: '.svc,.cluster.local,10.0.0.0/8' });
    expect((await certify(agent)).identity).toBe(path.identity(WEB));
    expect(new Set(proxy.asked)).toEqual(new Set(['ca.ambient.example:443']));
    expect(agent.log).toContain('"proxy":"http://127.0.0.1:');
    expect(agent.log).not.toContain('s3cret');
    await agent.stop();
  });

  test('reaches it by --ca-proxy, whatever the variables say', async () => {
    const wrong = { HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: '*' };
    const agent = starting('by-setting', wrong, [`--ca-proxy=${proxy.url}`]);
    expect((await certify(agent)).identity).toBe(path.identity(WEB));
    await agent.stop();
  });

  test('asks no proxy for a CA that NO_PROXY excepts, or with --ca-proxy=none', async () => {
    const excepted = starting('excepted', { https_proxy: proxy.url, no_proxy: 'ambient.example' });
    const none = starting('none', { HTTPS_PROXY: proxy.url }, ['--ca-proxy=none']);
    // The name is one that no resolver knows: that it is asked for shows that the proxy was passed by.
    for (const agent of [excepted, none]) {
      await until('a failed look-up', 60_000, () => /E(?:NOTFOUND|AI_AGAIN) getaddrinfo/.test(agent.log));
    }
    expect(proxy.asked).toEqual([]);
    await Promise.all([excepted.stop(), none.stop()]);
  });

  test('waits for a proxy that refuses it, says why without the password, and serves when it is let through', async () => {
    proxy.mood = { answer: 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n' };
    const agent = starting('refused', { HTTPS_PROXY: proxy.url });
    await until('the reason', 60_000, () => agent.log.includes('407 Proxy Authentication Required'));
    proxy.mood = 'tunnel';
    expect((await certify(agent)).identity).toBe(path.identity(WEB));
    expect(agent.log).not.toContain('s3cret');
    await agent.stop();
  });

  test('does not start with a variable that names no HTTP proxy, and does not print it', async () => {
    const agent = starting('socks', { HTTPS_PROXY: 'socks5://mesh:s3cret@proxy:1080' });
    expect(await agent.exited).toBe(1);
    expect(agent.log).toContain('HTTPS_PROXY is not the URL of a proxy');
    expect(agent.log).not.toContain('s3cret');
  });
});

describe('the roots of --ca-cert', () => {
  test('are needed: without them the CA is not believed, through the proxy either', async () => {
    writeFileSync(roots, privateCa('stranger').pem);
    const agent = starting('stranger', { HTTPS_PROXY: proxy.url });
    await until('the reason', 60_000, () => agent.log.includes('unable to verify the first certificate'));
    expect(agent.log).not.toContain('listening for the Istio CA gRPC API');
    await agent.stop();
  });

  test('change on disk: the next private CA is believed and the one before is not, without a restart', async () => {
    const agent = starting('changing', { HTTPS_PROXY: proxy.url });
    await certify(agent);
    const second = privateCa('second');
    writeFileSync(roots, second.pem);
    await until('the new roots', 60_000, () => agent.log.includes('roots of the TLS of the CA loaded'));
    const held = certify(agent);
    await until('the CA is not believed', 60_000, () => agent.log.includes('unable to verify the first certificate'));
    path.changeIssuer(second);
    expect((await held).identity).toBe(path.identity(WEB));
    expect(readFileSync(roots, 'utf8')).toBe(second.pem);
    path.changeIssuer(first);
    await agent.stop();
  });
});

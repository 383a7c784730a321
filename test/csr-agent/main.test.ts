import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '../../csr-agent/src/main.ts');
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

function run(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH: process.env['PATH'] ?? '', ...env } });
  started.push(child);
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (out.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (out.stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => void child.once('close', resolve));
  return { child, out, ended };
}

/** Settings of an agent whose CA is away. */
async function settings(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'agent-'));
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwks = { keys: [{ ...(await exportJWK(key.publicKey)), alg: 'ES256' }] };
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  return Object.entries({
    'trust-domain': 'cluster.local',
    cluster: 'dev',
    'ca-url': 'http://127.0.0.1:9',
    'root-pin': 'ab'.repeat(32),
    listen: '127.0.0.1:0',
    'health-listen': '127.0.0.1:0',
    'metrics-listen': '127.0.0.1:0',
    'jwks-file': file('jwks.json', JSON.stringify(jwks)),
    'pods-file': file('pods.json', '[]'),
    'serving-names': 'agent.ambient-ca.svc',
    'state-dir': join(folder, 'state'),
    'agent-token-key': file('key.pem', key.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    'agent-account': 'ambient-ca/agent',
    'agent-pod': 'ambient-ca/agent-1/uid-1',
  }).map(([name, value]) => `--${name}=${value}`);
}

async function ports(out: { stdout: string }): Promise<{ health: number; metrics: number }> {
  const line = () => out.stdout.split('\n').find((each) => each.includes('probes and metrics are served')) ?? '{}';
  await expect.poll(() => line(), { timeout: 10_000 }).not.toBe('{}');
  return JSON.parse(line()) as { health: number; metrics: number };
}

describe('the agent as a process', () => {
  it('with the CA away at its first start lives, is not ready and says why, and ends at SIGTERM', async () => {
    const { child, out, ended } = run(await settings());
    const { health, metrics } = await ports(out);
    expect((await fetch(`http://127.0.0.1:${health}/livez`)).status).toBe(200);
    const ready = await fetch(`http://127.0.0.1:${health}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.text()).toContain('no serving certificate that is valid now; no trust has been accepted yet');
    expect((await fetch(`http://127.0.0.1:${health}/other`)).status).toBe(404);
    const exposition = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    expect(exposition).toContain('citadel_server_root_cert_expiry_timestamp Nan');
    expect(exposition).toContain('ambient_ca_agent_pods 0');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(out.stdout).toContain('"message":"draining');
  });

  it('tells every fault of its configuration at once, and exits 2', async () => {
    const { out, ended } = run(['--listen=nowhere', '--trust-domain=UPPER', '--no-such=1'], { AMBIENT_AGENT_X: '1' });
    expect(await ended).toBe(2);
    for (const fault of ['--listen', '--trust-domain', '--no-such', 'AMBIENT_AGENT_X', '--ca-url']) {
      expect(out.stderr).toContain(fault);
    }
  });

  it('tells every file that it cannot use at once, and exits 1', async () => {
    const missing = (await settings()).map((flag) => flag.replace(/(jwks|pods|key)\.(json|pem)$/, 'missing.$2'));
    const { out, ended } = run(missing);
    expect(await ended).toBe(1);
    for (const fault of ['--pods-file', '--jwks-file', 'missing.pem']) expect(out.stderr).toContain(fault);
    expect(out.stderr).not.toContain('    at ');
  });

  it('prints help', async () => {
    const { out, ended } = run(['--help']);
    expect(await ended).toBe(0);
    expect(out.stdout).toContain('--trusted-node-accounts');
  });
});

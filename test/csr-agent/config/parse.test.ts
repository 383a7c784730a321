import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OPTIONS, flagOf, variableOf } from '../../../csr-agent/src/config/options.ts';
import { ConfigError, helpText, parseConfig } from '../../../csr-agent/src/config/parse.ts';

const pin = 'ab'.repeat(32);
const flags = `
  --trust-domain cluster.local --cluster dev --ca-url https://ca.example.org
  --jwks-file a.json --jwks-file https://other=b.json --pods-file pods.json
  --serving-names agent.ns.svc --state-dir /tmp/x --agent-token-key key.pem
  --agent-account ambient-ca/agent --agent-pod ambient-ca/agent-1/uid-1 --root-pin ${pin}
`
  .trim()
  .split(/\s+/);

function faultsOf(argv: string[], environment: NodeJS.ProcessEnv = {}): readonly string[] {
  try {
    parseConfig(argv, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

const without = (flag: string) => flags.filter((value, i) => value !== flag && flags[i - 1] !== flag);
const replaced = (flag: string, value: string) => [...without(flag), flag, value];

const refusals: [claim: string, argv: string[], fault: RegExp][] = [
  ['a missing setting', without('--ca-url'), /^--ca-url \(or AMBIENT_AGENT_CA_URL\) is missing/],
  ['an unknown flag', [...flags, '--ca-uri', 'x'], /^--ca-uri: unknown flag/],
  ['a flag without a value', [...flags, '--node'], /^--node: expected a value/],
  ['a stray word', [...flags, 'extra'], /^extra: expected a flag/],
  ['a flag given twice', [...flags, '--cluster', 'b'], /^--cluster: given 2 times/],
  ['a URL with a path', replaced('--ca-url', 'https://ca.example.org/v1'), /^--ca-url: .*without path/],
  ['a URL with a trailing slash', replaced('--ca-url', 'https://ca.example.org/'), /^--ca-url: /],
  ['another scheme', replaced('--ca-url', 'ftp://ca.example.org'), /^--ca-url: /],
  ['a pin that is no SHA-256', replaced('--root-pin', 'abcd'), /^--root-pin: .*SHA-256/],
  ['a port above 65535', [...flags, '--listen', '127.0.0.1:70000'], /^--listen: .*HOST:PORT/],
  ['a duration without a unit', [...flags, '--hold-max', '30'], /^--hold-max: .*duration/],
  ['an account without a namespace', replaced('--agent-account', 'agent'), /^--agent-account: /],
  ['TLS 1.1', [...flags, '--min-tls', '1.1'], /^--min-tls: /],
];

describe('parseConfig', () => {
  it('reads flags, with defaults for the rest', () => {
    expect(parseConfig(flags, {})).toMatchObject({
      trustDomain: 'cluster.local',
      clusterId: 'Kubernetes',
      caCert: null,
      rootPin: [pin],
      listen: { host: '::', port: 6443 },
      holdMax: 10_800,
      jwksFile: [
        { issuer: null, path: 'a.json' },
        { issuer: 'https://other', path: 'b.json' },
      ],
      agentPod: { namespace: 'ambient-ca', name: 'agent-1', uid: 'uid-1' },
    });
  });

  it('a flag wins over a variable, and a variable over the file', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'config-')), 'agent.json');
    writeFileSync(
      file,
      JSON.stringify({ node: 'from-file', clusterId: 'from-file', logLevel: 'debug', servingNames: ['a.b', 'c.d'] }),
    );
    const argv = [...without('--serving-names'), '--config', file, '--node=from-flag'];
    expect(parseConfig(argv, { AMBIENT_AGENT_NODE: 'from-env', AMBIENT_AGENT_CLUSTER_ID: 'from-env' })).toMatchObject({
      node: 'from-flag',
      clusterId: 'from-env',
      logLevel: 'debug',
      servingNames: ['a.b', 'c.d'],
    });
  });

  it.each(refusals)('refuses %s and says what was expected', (_claim, argv, fault) => {
    expect(faultsOf(argv).filter((one) => fault.test(one))).toHaveLength(1);
  });

  it('refuses unknown variables and unknown members of the file', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'config-')), 'agent.json');
    writeFileSync(file, JSON.stringify({ caURL: 'x', node: 1 }));
    const faults = faultsOf([...flags, '--config', file], { AMBIENT_AGENT_NODES: 'a' });
    expect(faults).toEqual([
      `${file}: caURL: unknown setting, --help lists them in kebab case`,
      `${file}: node: expected text or a list of texts`,
      'AMBIENT_AGENT_NODES: unknown variable, --help lists them',
    ]);
  });

  it('refuses a proxy that is none, and does not print what may hold a password', () => {
    const faults = faultsOf([...flags, '--ca-proxy', 'socks5://user:s3cret@proxy:1080']);
    expect(faults).toEqual(['--ca-proxy: not valid, expected http://HOST:PORT or none']);
  });

  it('reports every fault at once', () => {
    expect(faultsOf(['--ca-url', 'x', '--min-tls', 'y']).length).toBeGreaterThan(8);
  });

  it('the help names every flag, and a variable for each', () => {
    const help = helpText();
    for (const name of Object.keys(OPTIONS)) {
      expect(help).toContain(flagOf(name));
      expect(variableOf(name)).toMatch(/^AMBIENT_AGENT_[A-Z_]+$/);
    }
  });
});

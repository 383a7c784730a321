import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AgentProcess, commandOf } from '../support/agent_process.ts';
import { Ztunnel, ZTUNNEL_TLS } from '../support/client/ztunnel.ts';
import { Dev, nodePods } from '../support/dev.ts';
import type { Pod } from '../support/token.ts';
import type { ChannelOptions } from '../support/wire/channel.ts';
import { printTable } from '../support/print_table.ts';
import { clientHello, GROUP, say, type Hello, type Reply } from './tls_hello.ts';

const { ztunnel, pods } = nodePods('node-1', ['web']);
const WEB = pods[0] as Pod;

let dev: Dev;
let older: AgentProcess;
/** By the lowest version that is served. */
const ports = { '1.3': 0, '1.2': 0 };
const rows: { 'min-tls': string; check: string; expected: string; seen: string }[] = [];

beforeAll(async () => {
  dev = await Dev.start({ pods: [ztunnel, ...pods] });
  const state = join(dev.folder, 'older');
  older = AgentProcess.start(commandOf(dev.info.agent.pid), dev, {
    log: `${state}.log`,
    flags: [`--state-dir=${state}`, '--min-tls=1.2'],
  });
  ports['1.3'] = dev.address.port;
  ports['1.2'] = (await older.address()).port;
});
afterAll(async () => {
  printTable('TLS of the agent', rows);
  await older.stop();
  await dev.stop();
});

const ALERTS: Readonly<Record<number, string>> = {
  40: 'refused: handshake_failure',
  47: 'refused: illegal_parameter',
  70: 'refused: protocol_version',
  120: 'refused: no_application_protocol',
};
const SUITES: Readonly<Record<number, string>> = {
  0x1301: 'AES-128-GCM',
  0x1302: 'AES-256-GCM',
  0x1303: 'ChaCha20-Poly1305',
  0xc02b: 'ECDHE-ECDSA-AES128-GCM',
  0xc02c: 'ECDHE-ECDSA-AES256-GCM',
};
const VERSIONS: Readonly<Record<number, string>> = { 0x0303: 'TLS 1.2', 0x0304: 'TLS 1.3' };
const groupName = (id: number | undefined) => Object.entries(GROUP).find(([, value]) => value === id)?.[0] ?? 'none';

function inWords(reply: Reply): string {
  if ('alert' in reply) return ALERTS[reply.alert] ?? `refused: alert ${reply.alert}`;
  if ('closed' in reply) return 'hung up';
  const { version, suite, compression, sentinel, group } = reply.hello;
  const downgrade = sentinel === '444f574e47524401' ? ', admits the downgrade' : '';
  const exchange = version === 0x0304 ? `, ${groupName(group)}` : '';
  const suiteName = SUITES[suite] ?? `0x${suite.toString(16)}`;
  return `${VERSIONS[version] ?? version}, ${suiteName}${exchange}${downgrade}${compression === 0 ? '' : ', COMPRESSED'}`;
}

type Floor = keyof typeof ports;
const TLS12 = [0x0303];
const SHA1 = [0x0203, 0x0201];
const VERSION = 'refused: protocol_version';
const FAILURE = 'refused: handshake_failure';
const PREFERRED = 'TLS 1.3, AES-256-GCM, X25519MLKEM768';
const DOWNGRADE = ', admits the downgrade';

/** What a client offers, and what each floor answers; one answer where they agree. */
const CHECKS: readonly (readonly [check: string, Hello, Readonly<Record<Floor, string>> | string])[] = [
  ['SSL 3.0', { legacyVersion: 0x0300 }, FAILURE],
  ['TLS 1.0', { legacyVersion: 0x0301 }, VERSION],
  ['TLS 1.1', { legacyVersion: 0x0302 }, VERSION],
  ['TLS 1.2', { versions: TLS12 }, { '1.3': VERSION, '1.2': `TLS 1.2, ECDHE-ECDSA-AES256-GCM${DOWNGRADE}` }],
  ['TLS 1.3', {}, PREFERRED],
  ['X25519MLKEM768 alone', { groups: [GROUP.X25519MLKEM768] }, PREFERRED],
  ['X25519 alone', { groups: [GROUP.x25519] }, 'TLS 1.3, AES-256-GCM, x25519'],
  ['P-256 alone', { groups: [GROUP.secp256r1] }, 'TLS 1.3, AES-256-GCM, secp256r1'],
  ['P-384 alone', { groups: [GROUP.secp384r1] }, 'TLS 1.3, AES-256-GCM, secp384r1'],
  ['P-256 and P-384 (FIPS)', { groups: [GROUP.secp384r1, GROUP.secp256r1] }, 'TLS 1.3, AES-256-GCM, secp256r1'],
  ['the hybrid group last', { groups: [23, 29, GROUP.X25519MLKEM768] }, PREFERRED],
  ['P-521 alone', { groups: [GROUP.secp521r1] }, FAILURE],
  ['X448 alone', { groups: [GROUP.x448] }, FAILURE],
  ['ffdhe2048 alone', { groups: [GROUP.ffdhe2048] }, FAILURE],
  ['AES-128-GCM alone', { suites: [0x1301] }, 'TLS 1.3, AES-128-GCM, X25519MLKEM768'],
  ['ChaCha20-Poly1305 alone', { suites: [0x1303] }, 'TLS 1.3, ChaCha20-Poly1305, X25519MLKEM768'],
  ['AES-128-CCM and CCM-8', { suites: [0x1304, 0x1305] }, FAILURE],
  [
    'NULL, RC4, 3DES, export',
    { versions: TLS12, suites: [0x0002, 0x0005, 0x000a, 0x0003] },
    { '1.3': VERSION, '1.2': FAILURE },
  ],
  ['RSA key exchange', { versions: TLS12, suites: [0x009c, 0x009d, 0x002f] }, { '1.3': VERSION, '1.2': FAILURE }],
  ['DHE', { versions: TLS12, suites: [0x009e, 0x009f, 0xccaa] }, { '1.3': VERSION, '1.2': FAILURE }],
  ['ECDHE with CBC', { versions: TLS12, suites: [0xc023, 0xc024, 0xc009, 0xc00a] }, { '1.3': VERSION, '1.2': FAILURE }],
  ['anonymous ECDH', { versions: TLS12, suites: [0xc018, 0xc019] }, { '1.3': VERSION, '1.2': FAILURE }],
  ['SHA-1 signatures alone', { schemes: SHA1 }, FAILURE],
  ['SHA-1 signatures alone, 1.2', { versions: TLS12, schemes: SHA1 }, { '1.3': VERSION, '1.2': FAILURE }],
  ['RSA signatures alone', { schemes: [0x0804, 0x0805] }, FAILURE],
  ['ECDSA P-256 with SHA-256 alone', { schemes: [0x0403] }, PREFERRED],
  ['compression', { compression: [1, 0] }, 'refused: illegal_parameter'],
  [
    'ECDHE with AES-128-GCM',
    { versions: TLS12, suites: [0xc02b] },
    { '1.3': VERSION, '1.2': `TLS 1.2, ECDHE-ECDSA-AES128-GCM${DOWNGRADE}` },
  ],
  [
    'compression, 1.2',
    { versions: TLS12, compression: [1, 0] },
    { '1.3': VERSION, '1.2': `TLS 1.2, ECDHE-ECDSA-AES256-GCM${DOWNGRADE}` },
  ],
  ['ALPN http/1.1 alone', { alpn: ['http/1.1'] }, 'refused: no_application_protocol'],
  ['ALPN grpc-exp alone', { alpn: ['grpc-exp'] }, 'refused: no_application_protocol'],
  ['ALPN http/1.1, h2', { alpn: ['http/1.1', 'h2'] }, PREFERRED],
  ['another server name', { serverName: 'istiod.example.org' }, PREFERRED],
];

const floors = Object.keys(ports) as Floor[];

describe.each(floors)('with --min-tls=%s a client that offers', (floor) => {
  const record = (check: string, expected: string, seen: string): void =>
    void rows.push({ 'min-tls': floor, check, expected, seen: seen === expected ? seen : `${seen}  <-- NO` });

  test.each(CHECKS)('%s gets what the table says', async (check, hello, answers) => {
    const expected = typeof answers === 'string' ? answers : answers[floor];
    const seen = inWords(await say(ports[floor], clientHello(hello)));
    record(check, expected, seen);
    expect(seen).toBe(expected);
  });

  test.each([
    ['octets that are no TLS', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['SSL 2.0', Buffer.from('801e0100020015000000100100800200800300800400800500800600400700c0', 'hex')],
    ['a record longer than TLS has', Buffer.concat([Buffer.from('1603014e20', 'hex'), Buffer.alloc(20_000)])],
  ])('%s is hung up on or refused', async (check, octets) => {
    const reply = await say(ports[floor], octets);
    const seen = 'hello' in reply ? inWords(reply) : 'no hello';
    record(check, 'no hello', seen);
    expect(seen).toBe('no hello');
  });

  test.each<[string, Partial<ChannelOptions>]>([
    ['a ztunnel', ZTUNNEL_TLS],
    ['a ztunnel under FIPS: P-256, P-384, AES-GCM', { ...ZTUNNEL_TLS, groups: 'P-256:P-384' }],
    ['a ztunnel with COMPLIANCE_POLICY=pqc', { ...ZTUNNEL_TLS, groups: 'X25519MLKEM768' }],
    ['a client without post-quantum groups', { ...ZTUNNEL_TLS, groups: 'X25519' }],
    ['a client that has TLS 1.2 as well', { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }],
  ])('%s gets its certificate', async (check, tls) => {
    const options = { ...dev.address, port: ports[floor], ...tls };
    const client = new Ztunnel({ ...options, mode: 'shared', token: () => dev.token(ztunnel) });
    const { identity } = await client.fetchCertificate(dev.identity(WEB));
    const seen = `${client.channel.socket?.getProtocol()}, certificate`;
    client.close();
    record(check, 'TLSv1.3, certificate', seen);
    expect([identity, seen]).toEqual([dev.identity(WEB), 'TLSv1.3, certificate']);
  });
});

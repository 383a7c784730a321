import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { verifyChain, type ChainPurpose } from '../../../pki/src/chain/verify.ts';
import { nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { opensslVerify, opensslVersion } from '../../pki/openssl.ts';
import { nodeChainFault } from '../../support/verify/node_chain.ts';
import type { Judge, Member, Verdict } from './member.ts';
import { tlsVerdict } from './tls.ts';

/** One verdict for each member, null where the judge cannot tell; or why the judge is not here. */
export type Verdicts = readonly (Verdict | null)[] | string;

type Bench = (members: readonly Member[]) => Verdicts | Promise<Verdicts>;

const at = ({ time }: Member): number => time ?? Date.now();

/** What a pair of answers, one for each side of TLS, comes to. */
function verdictOf({ server, client }: { server: boolean; client: boolean }): Verdict {
  if (server) return client ? 'both' : 'server';
  return client ? 'client' : 'none';
}

/** The code of our own verifier's refusal, or null. */
export function ourFault(member: Member, purpose: ChainPurpose): string | null {
  const { leaf, intermediates, roots } = member;
  const result = verifyChain({ crypto: nodeCrypto(), leaf, intermediates, roots, now: at(member), purpose });
  return result.ok ? null : result.code;
}

/** No verdict on a CA certificate by itself: our verifier takes a path from a leaf, and each of the CAs is in one. */
const ours: Bench = (members) =>
  members.map((member) =>
    member.key === null
      ? null
      : verdictOf({ server: ourFault(member, 'server') === null, client: ourFault(member, 'client') === null }),
  );

const openssl: Bench = (members) => {
  if (opensslVersion === null) return 'there is no openssl binary';
  return members.map((member): Verdict => {
    const { leaf, intermediates: untrusted, roots } = member;
    const asked = { leaf, untrusted, roots, time: Math.floor(at(member) / 1000) * 1000 };
    const good = (purpose: 'sslserver' | 'sslclient'): boolean => opensslVerify({ ...asked, purpose }) === 'OK';
    if (member.key === null) return opensslVerify(asked) === 'OK' ? 'ca' : 'none';
    return verdictOf({ server: good('sslserver'), client: good('sslclient') });
  });
};

const read = (der: Uint8Array): X509Certificate => new X509Certificate(der);

/** At present by a handshake; as of another time, and of a CA, by X509Certificate step for step, which knows no purpose. */
const node: Bench = async (members) => {
  const verdicts: Verdict[] = [];
  for (const member of members) {
    const { leaf, intermediates, roots, key, time } = member;
    const fault = (): string | undefined =>
      nodeChainFault(read(leaf), intermediates.map(read), roots.map(read), at(member));
    if (key === null) verdicts.push(fault() === undefined ? 'ca' : 'none');
    else if (time !== null) verdicts.push(fault() === undefined ? 'both' : 'none');
    // One handshake after the other: the machine is not what is judged.
    // oxlint-disable-next-line no-await-in-loop
    else verdicts.push(verdictOf(await tlsVerdict(member, key)));
  }
  return verdicts;
};

const base64 = (der: Uint8Array): string => Buffer.from(der).toString('base64');

/** Runs a judge of another language: members as JSON on its input, verdicts in the last line of its output, after any log. */
function run<T>(command: string, args: readonly string[], input: unknown, cwd?: string): T[] {
  const options = { input: JSON.stringify(input), encoding: 'utf8', cwd, maxBuffer: 1 << 26 } as const;
  const { status, stdout, stderr, error } = spawnSync(command, args, options);
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${error?.message ?? ''}${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T[];
}

const encoded = (member: Member) => ({
  leaf: base64(member.leaf),
  intermediates: member.intermediates.map(base64),
  roots: member.roots.map(base64),
});

const go: Bench = (members) => {
  if (spawnSync('go', ['version']).status !== 0) return 'there is no go on the path';
  const asked = members.map((member) => ({ ...encoded(member), timeMs: at(member) }));
  const said = run<Record<'server' | 'client' | 'any', string>>(
    'go',
    ['run', '.'],
    asked,
    join(import.meta.dirname, 'go_judge'),
  );
  return said.map(({ server, client, any }, index) => {
    if (members[index]?.key === null) return any === '' ? 'ca' : 'none';
    return verdictOf({ server: server === '', client: client === '' });
  });
};

/** Knows only the present. Its check of a peer asks for serverAuth; what else an SVID is for is in the comparison of fields. */
const istio: Bench = (members) => {
  const binary = process.env['ISTIO_JUDGE_BIN'];
  if (binary === undefined) return 'ISTIO_JUDGE_BIN names no binary (test/conformance/corpus/istio_judge/README.md)';
  const asked = members.map((member) => {
    const { uriSans, dnsSans, publicKey } = parseCertificate(member.leaf);
    return {
      ...encoded(member),
      key: member.key === null ? null : base64(member.key.pkcs8),
      host: uriSans[0] ?? dnsSans[0] ?? '',
      trustDomain: new URL(uriSans[0] ?? 'spiffe://cluster.local').host,
      rsa: publicKey?.kind === 'rsa',
      isServer: member.expected !== 'client',
      isClient: member.expected !== 'server',
    };
  });
  const said = run<{ peer: string; fields: string }>(binary, [], asked);
  return said.map(({ peer, fields }, index) => {
    const member = members[index];
    if (member === undefined || member.time !== null) return null;
    if (member.key === null) return fields === '' ? 'ca' : 'none';
    const { uriSans } = parseCertificate(member.leaf);
    const good = fields === '' && (uriSans.length === 0 || peer === '');
    return good ? (member.expected === 'none' ? 'both' : member.expected) : 'none';
  });
};

export const benches: Readonly<Record<Judge, Bench>> = { ours, openssl, node, go, istio };

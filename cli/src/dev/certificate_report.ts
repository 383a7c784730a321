import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { equal, toHex } from '../../../pki/src/bytes.ts';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { verifyChain } from '../../../pki/src/chain/verify.ts';
import { nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import { parseReply, type ParsedReply } from '../../../pki/src/reply.ts';
import { CliError } from '../errors.ts';
import { pairs } from '../output/table.ts';
import { isoTime, shortDuration } from '../output/time.ts';
import { readCommonName } from './common_name.ts';
import type { WorkloadCertificate } from './workload.ts';

export interface CertificateReport {
  identity: string;
  issuer: string;
  /** hex */
  serial: string;
  /** ISO 8601 */
  notBefore: string;
  notAfter: string;
  /** seconds from now */
  lifeSeconds: number;
  intermediates: number;
  roots: number;
  verifiedBy: string[];
}

/**
 * Checks a certificate as the mesh would, twice where possible, and says what it is.
 * @param now ms since 1970
 * @throws CliError `unverified`
 */
export async function reportOn(got: WorkloadCertificate, now: number): Promise<CertificateReport> {
  const { leaf: leafDer, intermediates, roots } = readReply(got.chain);
  const leaf = parseCertificate(leafDer);
  const result = verifyChain({ crypto: nodeCrypto(), leaf, intermediates, roots, now, purpose: 'client' });
  if (!result.ok) throw new CliError('unverified', `the chain does not verify: ${result.reason} (${result.code})`);
  if (leaf.uriSans.length !== 1 || leaf.uriSans[0] !== got.identity) {
    throw new CliError('unverified', `the certificate is for ${leaf.uriSans.join(', ')}, asked was ${got.identity}`);
  }
  const ours = createPublicKey(createPrivateKey(got.keyPem)).export({ format: 'der', type: 'spki' });
  if (!equal(leaf.spki, ours)) throw new CliError('unverified', 'the certificate is for another key');

  const openssl = await verifiedByOpenssl(got.chain);
  return {
    identity: got.identity,
    issuer: readCommonName(leaf.issuer),
    serial: toHex(leaf.serial),
    notBefore: isoTime(leaf.notBefore),
    notAfter: isoTime(leaf.notAfter),
    lifeSeconds: Math.round((leaf.notAfter - now) / 1000),
    intermediates: intermediates.length,
    roots: roots.length,
    verifiedBy: ['ambient-ca’s own chain rules', ...(openssl === null ? [] : [openssl])],
  };
}

/** As ztunnel reads it. */
function readReply(chain: readonly string[]): ParsedReply {
  try {
    return parseReply(chain);
  } catch (cause) {
    if (!(cause instanceof PkiError)) throw cause;
    throw new CliError('unverified', `the agent's answer cannot be read: ${cause.message}`, { cause });
  }
}

export function describeReport(report: CertificateReport): string {
  return pairs([
    ['identity', report.identity],
    ['issuer', report.issuer],
    ['serial', report.serial],
    ['valid', `${report.notBefore} to ${report.notAfter} (ends in ${shortDuration(report.lifeSeconds)})`],
    ['chain', `leaf, ${report.intermediates} intermediate(s), ${report.roots} root(s)`],
    ['verified by', report.verifiedBy.join(', ')],
  ]);
}

/** The name and version of the OpenSSL that accepted the chain; null where there is none. @throws CliError `unverified` */
async function verifiedByOpenssl(chain: readonly string[]): Promise<string | null> {
  const version = await run('openssl', ['version']);
  if (version.code !== 0) return null;
  const dir = mkdtempSync(join(tmpdir(), 'ambient-ca-'));
  try {
    const file = (name: string, text: string) => {
      writeFileSync(join(dir, name), text);
      return join(dir, name);
    };
    const roots = file('roots.pem', chain.at(-1) ?? '');
    const between = file('between.pem', chain.slice(1, -1).join(''));
    const leaf = file('leaf.pem', chain[0] ?? '');
    const untrusted = chain.length > 2 ? ['-untrusted', between] : [];
    const answer = await run('openssl', ['verify', '-x509_strict', '-CAfile', roots, ...untrusted, leaf]);
    if (answer.code === 0) return version.output.trim().split(' ').slice(0, 2).join(' ');
    throw new CliError('unverified', `openssl verify -x509_strict refused the chain: ${answer.output.trim()}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function run(command: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(command, args, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : 1, output: `${stdout}${stderr}` });
    });
  });
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The version line, or undefined where the machine has no openssl. */
export function opensslVersion(): string | undefined {
  const run = spawnSync('openssl', ['version'], { encoding: 'utf8' });
  return run.status === 0 ? run.stdout.trim() : undefined;
}

export interface VerifyInput {
  certificate: string;
  intermediates: readonly string[];
  roots: readonly string[];
  purpose: 'sslclient' | 'sslserver' | 'any';
}

/** `openssl verify -x509_strict -check_ss_sig`, on an explicit trust set and no other. @returns 'OK' or what OpenSSL said */
export function opensslVerify(input: VerifyInput): string {
  const folder = mkdtempSync(join(tmpdir(), 'ambient-ca-openssl-'));
  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  try {
    const args = ['verify', '-x509_strict', '-check_ss_sig', '-no-CApath', '-no-CAstore', '-purpose', input.purpose];
    args.push('-CAfile', file('roots.pem', input.roots.join('')));
    if (input.intermediates.length > 0)
      args.push('-untrusted', file('intermediates.pem', input.intermediates.join('')));
    args.push(file('certificate.pem', input.certificate));
    const run = spawnSync('openssl', args, { encoding: 'utf8' });
    return run.status === 0 ? 'OK' : `${run.stdout}${run.stderr}`.trim();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `openssl x509 -noout -text`, for a test that asks about an extension that Node does not show. */
export function opensslText(pem: string): string {
  const run = spawnSync('openssl', ['x509', '-noout', '-text'], { input: pem, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`openssl x509: ${run.stderr}`);
  return run.stdout;
}

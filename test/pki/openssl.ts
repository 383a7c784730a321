import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePem } from '../../pki/src/pem.ts';

/** The version of the OpenSSL binary, or null: then the tests that ask it say that they were skipped. */
export const opensslVersion: string | null = ((): string | null => {
  const { status, stdout } = spawnSync('openssl', ['version'], { encoding: 'utf8' });
  return status === 0 && stdout.startsWith('OpenSSL') ? stdout.trim() : null;
})();

export const skipMessage = opensslVersion === null ? ' (skipped: there is no openssl binary)' : '';

const pem = (certificates: readonly Uint8Array[]): string =>
  certificates.map((der) => encodePem('CERTIFICATE', der)).join('');

/** What `openssl verify -x509_strict` says: "OK", or its error. `time` is ms since 1970. */
export function opensslVerify(options: {
  readonly leaf: Uint8Array;
  readonly untrusted?: readonly Uint8Array[];
  readonly roots: readonly Uint8Array[];
  readonly time: number;
  readonly purpose?: 'sslserver' | 'sslclient';
}): string {
  const { leaf, untrusted = [], roots, time, purpose } = options;
  const folder = mkdtempSync(join(tmpdir(), 'openssl-verify-'));
  try {
    const file = (name: string, certificates: readonly Uint8Array[]): string => {
      const path = join(folder, name);
      writeFileSync(path, pem(certificates));
      return path;
    };
    const { stdout, stderr } = spawnSync(
      'openssl',
      [
        'verify',
        '-x509_strict',
        '-no-CApath',
        '-no-CAstore',
        '-attime',
        String(time / 1000),
        '-CAfile',
        file('roots.pem', roots),
        ...(untrusted.length === 0 ? [] : ['-untrusted', file('untrusted.pem', untrusted)]),
        ...(purpose === undefined ? [] : ['-purpose', purpose]),
        file('leaf.pem', [leaf]),
      ],
      { encoding: 'utf8' },
    );
    return stdout.trim().endsWith(': OK') ? 'OK' : `${stdout}${stderr}`.trim();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

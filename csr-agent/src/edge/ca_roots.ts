import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from '../log.ts';
import { watchText } from '../watched_file.ts';

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

export interface CaRoots {
  /** PEM; null when there is no file. */
  readonly pem: string | null;
  close(): void;
}

/**
 * The roots of `--ca-cert`, read again whenever the file changes; one that cannot be taken leaves the last good ones.
 *
 * @throws Error when it cannot be read now
 */
export function watchCaRoots(path: string | null, log: Logger, changed: (pem: string) => void): CaRoots {
  if (path === null) return { pem: null, close: () => undefined };
  const watch = watchText(path, {
    changed: (text) => {
      changed(checkRoots(path, text));
      log.info({ path }, 'roots of the TLS of the CA loaded');
    },
    failed: (error) =>
      log.error({ path, reason: error.message }, 'roots of the TLS of the CA not loaded, the last good ones stay'),
  });
  try {
    return { pem: checkRoots(path, readFileSync(path, 'utf8')), close: () => watch.close() };
  } catch (error) {
    watch.close();
    throw error;
  }
}

/**
 * One certificate or many with comments between them, as the trust bundles of platforms are.
 *
 * @throws Error that says which one cannot be read, or that there is none
 */
function checkRoots(path: string, text: string): string {
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0) throw new Error(`${path} holds no PEM certificate`);
  const unread = blocks.findIndex((block) => !isCertificate(block));
  if (unread >= 0) throw new Error(`${path}: certificate ${unread + 1} of ${blocks.length} cannot be read`);
  return text;
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).raw.length > 0;
  } catch {
    return false;
  }
}

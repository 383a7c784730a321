import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf, pemBlocks, type WorkloadCertificate } from '../../support/client/reply.ts';

/** What OUTPUT_CERTS got. */
export interface Written extends WorkloadCertificate {
  keyPem: string;
  /** What Envoy presents: every element of the reply, the roots too (istio-contract §B3). */
  chainPem: string;
  chain: X509Certificate[];
  rootPem: string;
}

const certificates = (pem: string): X509Certificate[] => pemBlocks(pem).map(({ der }) => new X509Certificate(der));
const digests = (all: readonly X509Certificate[]): string => fingerprints(all).toSorted().join();

/** Hexadecimal SHA-256 of each, as the CA's API writes them. */
export const fingerprints = (all: readonly X509Certificate[]): string[] =>
  all.map(({ fingerprint256 }) => fingerprint256.replaceAll(':', '').toLowerCase());

/**
 * The three files of the folder, or undefined as long as they are not of one reply: pilot-agent replaces the key, the chain and
 * the roots one after the other.
 */
export function readWritten(folder: string): Written | undefined {
  let files: [string, string, string];
  try {
    const [key, chain, root] = ['key.pem', 'cert-chain.pem', 'root-cert.pem'].map((name) =>
      readFileSync(join(folder, name), 'utf8'),
    );
    files = [key!, chain!, root!];
  } catch {
    return undefined;
  }
  const [keyPem, chainPem, rootPem] = files;
  const [chain, roots] = [certificates(chainPem), certificates(rootPem)];
  const key = createPrivateKey(keyPem);
  const [leaf, ...others] = chain;
  if (leaf === undefined || !leaf.checkPrivateKey(key)) return undefined;
  const selfIssued = others.filter(({ subject, issuer }) => subject === issuer);
  if (digests(selfIssued) !== digests(roots)) return undefined;
  const intermediates = others.filter((each) => !selfIssued.includes(each));
  return { leaf, intermediates, roots, key, identity: identityOf(leaf), keyPem, chainPem, chain, rootPem };
}

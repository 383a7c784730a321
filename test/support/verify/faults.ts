import { nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { verifyChain } from '../../../pki/src/chain/verify.ts';
import type { WorkloadCertificate } from '../client/reply.ts';
import { nodeChainFault } from './node_chain.ts';
import { opensslVerify, opensslVersion } from './openssl.ts';

const noOpenssl = opensslVersion() === undefined;

/**
 * By two verifiers that are not ours, and by ours: the chain in its order, the key, the name, and for both purposes.
 *
 * @returns every fault
 */
export function faultsOf(held: WorkloadCertificate, identity: string): string[] {
  const { leaf, intermediates, roots, key } = held;
  const faults = [nodeChainFault(leaf, intermediates, roots, Date.now())];
  if (leaf.subjectAltName !== `URI:${identity}`) faults.push(`names ${leaf.subjectAltName}`);
  if (!leaf.checkPrivateKey(key)) faults.push('certifies another key');
  const pems = (certificates: typeof roots): string[] => certificates.map((each) => each.toString());
  for (const purpose of noOpenssl ? [] : (['sslclient', 'sslserver'] as const)) {
    const said = opensslVerify({
      certificate: leaf.toString(),
      intermediates: pems(intermediates),
      roots: pems(roots),
      purpose,
    });
    if (said !== 'OK') faults.push(said);
  }
  const ders = (certificates: typeof roots): Uint8Array[] => certificates.map(({ raw }) => Uint8Array.from(raw));
  const ours = verifyChain({
    crypto: nodeCrypto(),
    leaf: Uint8Array.from(leaf.raw),
    intermediates: ders(intermediates),
    roots: ders(roots),
    now: Date.now(),
    purpose: 'both',
  });
  if (!ours.ok) faults.push(`${ours.code}: ${ours.reason}`);
  return faults.filter((fault) => fault !== undefined);
}

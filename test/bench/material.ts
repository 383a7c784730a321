import { generateKey, ztunnelCsr } from '../support/client/csr.ts';
import { pemBlocks, readReply } from '../support/client/reply.ts';
import { SECRET_TTL } from '../support/client/ztunnel.ts';
import { nodePods } from '../support/dev.ts';
import type { Pod } from '../support/token.ts';
import { nodeChainFault } from '../support/verify/node_chain.ts';
import { CREATE_CERTIFICATE, frame, unframe } from '../support/wire/channel.ts';
import { decodeResponse, encodeRequest } from '../support/wire/protobuf.ts';
import { headerBlocks, type HeaderBlocks } from './h2_frames.ts';
import type { Call, Caller, Sample } from './load.ts';

/** A node of the benchmark: its ztunnel, and one pod per identity. */
export interface BenchNode {
  ztunnel: Pod;
  pods: Pod[];
}

export function benchNodes(nodes: number, perNode: number): BenchNode[] {
  return Array.from({ length: nodes }, (_, node) =>
    nodePods(
      `node-${node}`,
      Array.from({ length: perNode }, (_, index) => `sa-${node}-${index}`),
    ),
  );
}

/** A request as ztunnel sends it in shared mode, its key thrown away: the load generator makes no handshake with it. */
export function prebuild(identity: string): Call {
  const csr = ztunnelCsr(identity);
  const message = encodeRequest({
    csr: csr.pem,
    validityDuration: SECRET_TTL,
    metadata: { ImpersonatedIdentity: identity },
  });
  return { identity, data: frame(message), spki: csr.spki };
}

export function ztunnelBlocks(authority: string, token: string, clusterId: string): HeaderBlocks {
  return headerBlocks(CREATE_CERTIFICATE, authority, [
    ['authorization', `Bearer ${token}`],
    ['clusterid', clusterId],
  ]);
}

/** Asks for each once. */
export function once(blocks: HeaderBlocks, calls: readonly Call[]): Caller {
  let at = 0;
  return { blocks, next: () => calls[at++] };
}

/** Asks for them over and over until `end` (performance.now()). */
export function until(blocks: HeaderBlocks, calls: readonly Call[], end: number): Caller {
  let at = 0;
  return { blocks, next: () => (performance.now() < end ? calls[at++ % calls.length] : undefined) };
}

/** The reader only passes the key on. */
const UNUSED_KEY = generateKey('ec-p256').privateKey;

/** What is wrong with an answer of the sample, or undefined: identity, key, chain, validity. */
export function sampleFault({ call, message }: Sample, now: number): string | undefined {
  const chain = decodeResponse(unframe(message));
  const { leaf, intermediates, roots, identity } = readReply(chain, UNUSED_KEY);
  if (identity !== call.identity) return `asked for ${call.identity}, got ${identity}`;
  if (!leaf.publicKey.export({ type: 'spki', format: 'der' }).equals(call.spki))
    return 'the key is not that of the CSR';
  if (chain.some((element) => pemBlocks(element).length !== 1 || !element.endsWith('\n')))
    return 'not one block per element';
  return nodeChainFault(leaf, intermediates, roots, now);
}

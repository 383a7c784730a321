import {
  decodeServingAnswer,
  encodeServingRequest,
  type ServingAnswer,
} from '../../../ca-service/src/client/protocol.ts';
import { WireError } from '../../../ca-service/src/client/wire_error.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { buildCsr } from '../../../pki/src/csr/build.ts';
import type { Clock } from '../clock.ts';
import type { ClusterCalls } from '../edge/cluster_calls.ts';
import { UpstreamError } from '../edge/errors.ts';
import type { Skew } from '../skew.ts';
import type { Bundle } from '../trust/bundle.ts';
import { servedChain } from '../trust/served_chain.ts';
import type { TrustStore } from '../trust/store.ts';
import type { ServingMaterial } from './certificate.ts';

export interface ServingRequestOptions {
  readonly calls: ClusterCalls;
  readonly trust: TrustStore;
  readonly refresh: () => Promise<void>;
  readonly skew: Skew;
  readonly clock: Clock;
  /** A fresh request id. */
  readonly requestId: () => string;
}

/**
 * Asks for a serving certificate with a fresh key. What comes back is not checked yet.
 *
 * @throws UpstreamError
 */
export async function requestServing(options: ServingRequestOptions): Promise<ServingMaterial> {
  const { calls, trust, refresh, clock, skew } = options;
  const key = generateNodeKey('ec-p256');
  const csr = await buildCsr({ signer: key, identity: null });
  const id = options.requestId();
  const body = encodeServingRequest({
    version: 1,
    id,
    bundleVersion: bundleOf(trust).document.bundleVersion,
    csr: Buffer.from(csr).toString('base64'),
    receivedAt: skew.correct(clock.now()),
  });
  const http = await calls.post('serving', body);
  const answer = readAnswer(http.body, id);
  calls.learn(answer, http);
  if (isNewer(answer, bundleOf(trust))) await refresh();
  const bundle = bundleOf(trust);
  const issuer = bundle.intermediates.get(answer.issuer);
  if (issuer?.purpose !== 'serving') {
    throw new UpstreamError('leaf-refused', `issued by ${answer.issuer}, which is no serving intermediate we know`);
  }
  const { intermediates, crosses } = servedChain(bundle, issuer);
  const leaf = new Uint8Array(Buffer.from(answer.certificate, 'base64'));
  return { pkcs8: key.pkcs8, spki: key.spki, leaf, intermediates: [...intermediates, ...crosses] };
}

function isNewer(answer: ServingAnswer, { document, intermediates }: Bundle): boolean {
  return (
    answer.epoch > document.epoch || answer.bundleVersion > document.bundleVersion || !intermediates.has(answer.issuer)
  );
}

function bundleOf({ bundle }: TrustStore): Bundle {
  if (bundle === null) throw new UpstreamError('no-trust', 'no bundle has been accepted yet');
  return bundle;
}

function readAnswer(body: Uint8Array, id: string): ServingAnswer {
  try {
    const answer = decodeServingAnswer(body);
    if (answer.id === id) return answer;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new UpstreamError('answer-malformed', error.message, { cause: error });
  }
  throw new UpstreamError('answer-malformed', 'the answer is for another request');
}

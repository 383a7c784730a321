import { toBase64 } from '../../../pki/src/bytes.ts';
import type { TrustDocument } from '../client/protocol.ts';
import { fail } from '../objects/outcome.ts';
import type { ConfigPush } from '../objects/rpc.ts';
import type { IssuerKeys } from './key_store.ts';

/** What an agent has to trust and to know, as of `now` (ms). Its signature is what makes it count. */
export function trustDocument(config: ConfigPush, keys: IssuerKeys, boot: string, now: number): TrustDocument {
  const { answer, evidence } = keys;
  if (answer === null || evidence === null) fail('not-ready', 'the keys of the cluster are being made');
  return {
    version: 1,
    time: now,
    boot,
    trustDomain: config.trustDomain,
    cluster: config.cluster,
    clusterId: config.clusterId,
    epoch: config.epoch,
    bundleVersion: config.bundle.version,
    enabled: config.enabled,
    roots: config.bundle.roots,
    crossCertificates: config.bundle.crossCertificates,
    intermediates: keys.known
      .filter(({ notAfter }) => notAfter > now)
      .map(({ id, purpose, certificate, current }) => ({ id, purpose, certificate: toBase64(certificate), current })),
    answerKey: { certificate: toBase64(answer.certificate), issuer: answer.issuer },
    evidenceKey: { kid: evidence.kid, jwk: evidence.jwk },
    servingNames: config.servingNames,
    ttl: config.ttl,
  };
}

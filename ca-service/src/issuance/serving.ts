import { lintLeaf, prepareLeaf, randomSerial } from '../../../pki/src/leaf/prepare.ts';
import { drawLifeSeconds, leafValidity } from '../../../pki/src/lifetimes.ts';
import { parsePublicKey } from '../../../pki/src/public_key.ts';
import type { ServingRequest } from '../objects/packed.ts';
import { statedVersion, type DecisionContext, type ToSign } from './decide.ts';

/** How the ledger names a serving certificate: there is no SPIFFE ID in it. */
function servingIdentity(names: readonly string[]): string {
  return `dns:${names.join(',')}`;
}

/**
 * Decides and records the certificate of the agent's own server: exactly the names of the enrolment, whatever was
 * asked, for the cluster's default life. Synchronous for the same reason as `decideAndRecord`.
 */
export function decideServing(context: DecisionContext, request: ServingRequest): ToSign {
  const { config, issuer, ledger, random, now } = context;
  const ttlSeconds = config.ttl.default;
  const prepared = prepareLeaf({
    profile: 'serving',
    dnsNames: config.servingNames,
    publicKey: parsePublicKey(request.spki),
    spki: request.spki,
    ...leafValidity({ now, ttlSeconds, lifeSeconds: drawLifeSeconds(ttlSeconds, random), issuer: issuer.template }),
    serial: randomSerial(random),
    issuer: issuer.template,
  });
  const linted = lintLeaf(prepared, now);
  const issuance = {
    serial: prepared.serial,
    identity: servingIdentity(config.servingNames),
    podUid: request.agent.podUid,
    node: request.agent.node,
    notAfter: prepared.notAfter,
    level: 'token' as const,
    requestId: request.id,
  };
  ledger.record({ at: now, issuer: issuer.id, bundleVersion: statedVersion(config, request), issuances: [issuance] });
  return { id: request.id, status: 'sign', linted, issuance };
}

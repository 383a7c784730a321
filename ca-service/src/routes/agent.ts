import {
  decodeBatchRequest,
  decodeServingRequest,
  decodeTrustRequest,
  MAX_BATCH_BYTES,
  MAX_SERVING_BYTES,
  MAX_TRUST_REQUEST_BYTES,
} from '../client/protocol.ts';
import { CaError } from '../errors.ts';
import { assessBatch } from '../evidence/batch.ts';
import { provenKey } from '../evidence/proof.ts';
import { Refusal } from '../evidence/refusal.ts';
import { encodeIssueRequest, encodeServingRequest } from '../objects/packed.ts';
import { type AgentCall, answerAgent, factsOf } from './agent_call.ts';
import {
  batchAnswer,
  batchRequest,
  servingAnswer,
  servingRequest,
  trustDocument,
  trustRequest,
} from './agent_schemas.ts';
import type { Router } from './router.ts';

/** s. A trust request changes nothing and its answer is bound to it, so that it may be old: clocks differ at a first start. */
const TRUST_WINDOW = 3_600;

const signed =
  'By an enrolled agent: a service-account token bound to its key (RFC 9278), the request signed by that key ' +
  '(RFC 9421). The answer is signed by the answer key of the cluster.';

export function addAgentRoutes(router: Router): void {
  router.add(
    'POST /v1/trust-domains/:trustDomain/clusters/:cluster/certificates',
    { summary: 'Issue a batch', description: signed, body: batchRequest, status: 200, answer: batchAnswer },
    (target) => answerAgent(target, MAX_BATCH_BYTES, issue),
  );
  router.add(
    'POST /v1/trust-domains/:trustDomain/clusters/:cluster/serving-certificates',
    {
      summary: 'Issue the serving certificate of the agent',
      description: signed,
      body: servingRequest,
      status: 200,
      answer: servingAnswer,
    },
    (target) => answerAgent(target, MAX_SERVING_BYTES, serve),
  );
  router.add(
    'POST /v1/trust-domains/:trustDomain/clusters/:cluster/trust',
    {
      summary: 'What the agent trusts and hands out',
      description: signed,
      body: trustRequest,
      status: 200,
      answer: trustDocument,
    },
    (target) => answerAgent(target, MAX_TRUST_REQUEST_BYTES, trust),
  );
}

async function issue(call: AgentCall) {
  const { body, cluster, issuer, services } = call;
  const batch = decodeBatchRequest(body);
  requireEnabled(call);
  const assessed = await assessBatch(services.crypto, services.callerTokens, batch, cluster, services.clock());
  const refused = assessed.items.filter((item) => item.status === 'refused');
  if (refused.length > 0) {
    const { cluster: name, trustDomain } = cluster.snapshot;
    services.log('items-refused', { trustDomain, cluster: name, items: refused });
  }
  return issuer.issue(encodeIssueRequest({ ...factsOf(call), bundleVersion: batch.bundleVersion, ...assessed }));
}

async function serve(call: AgentCall) {
  const { body, issuer, services } = call;
  const { id, bundleVersion, csr, receivedAt } = decodeServingRequest(body);
  requireEnabled(call);
  const spki = await provenKey(services.crypto, csr, null).catch((error: unknown) => {
    throw error instanceof Refusal ? new CaError('invalid', error.message, { cause: error }) : error;
  });
  return issuer.serving(encodeServingRequest({ ...factsOf(call), id, bundleVersion, spki, receivedAt }));
}

async function trust({ agent, body, cluster, issuer, services }: AgentCall) {
  decodeTrustRequest(body);
  const now = services.clock();
  if (Math.abs(now / 1000 - agent.created) > TRUST_WINDOW) {
    throw new CaError('again', 'created more than an hour from now', {
      extra: { boot: cluster.snapshot.boot, time: now },
    });
  }
  return issuer.trust(agent.requestSignature);
}

/** Told from the configuration that verified the request; the object decides by its own in any case. */
function requireEnabled({ cluster: { snapshot } }: AgentCall): void {
  if (!snapshot.enabled) throw new CaError('cluster-disabled', `the cluster ${snapshot.cluster} is disabled`);
}

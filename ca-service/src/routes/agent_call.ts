import { checkContentDigest } from '../client/content_digest.ts';
import { WireError } from '../client/wire_error.ts';
import type { AgentRequest } from '../auth/agent.ts';
import { CaError, problemOf, valueOf } from '../errors.ts';
import { readBody } from '../http/body.ts';
import type { ClusterView } from '../lookup/clusters.ts';
import { decodeAnswer, type RequestFacts } from '../objects/packed.ts';
import type { ClusterIssuerRpc, PackedAnswer, Remote } from '../objects/rpc.ts';
import type { Services } from '../services.ts';

/** One agent's request, authenticated, its body compared with the digest that was signed. */
export interface AgentCall {
  agent: AgentRequest;
  body: Uint8Array;
  cluster: ClusterView;
  issuer: Remote<ClusterIssuerRpc>;
  services: Services;
}

interface Target {
  params: { trustDomain: string; cluster: string };
  request: Request;
  path: string;
  services: Services;
}

/**
 * The way of every agent's request: authenticate, read, decide in the cluster's object, pass its signed answer on as it
 * is. A configuration that was too old is fetched again and everything is verified again by it, once. From
 * authentication on, refusals are signed by the object, too: an agent believes no other.
 */
export async function answerAgent(
  { params, request, path, services }: Target,
  maximum: number,
  decide: (call: AgentCall) => Promise<PackedAnswer>,
): Promise<Response> {
  if (request.url.includes('?')) throw new CaError('query-invalid', 'agent routes take no query');
  const objectId = await services.names.cluster(params.trustDomain, params.cluster);
  const issuer = services.objects.clusterIssuer(objectId);
  let body: Uint8Array | null = null;
  for (const attempt of ['cached', 'fresh'] as const) {
    const cluster = await services.clusters.view(objectId, { fresh: attempt === 'fresh' });
    const agent = await services.agents.authenticate(request, path, cluster, services.clock());
    try {
      body ??= await signedBody(services, request, agent, maximum);
      const reply = await decide({ agent, body, cluster, issuer, services });
      if (reply.ok) return passOn(reply.value);
      if (reply.error.code === 'stale-epoch' && attempt === 'cached') continue;
      throw CaError.of(reply.error);
    } catch (error) {
      return await signedProblem(issuer, agent, refusalOf(error), services);
    }
  }
  throw new CaError('internal', 'a fresh configuration was stale');
}

/** What the object needs to know of the request itself. */
export function factsOf({ agent: request, cluster }: AgentCall): RequestFacts {
  const { agent, requestSignature, nonce, created } = request;
  return { epoch: cluster.snapshot.epoch, requestSignature, nonce, created, agent };
}

async function signedBody(
  { crypto }: Services,
  request: Request,
  { contentDigest }: AgentRequest,
  maximum: number,
): Promise<Uint8Array> {
  const body = await readBody(request, maximum);
  await checkContentDigest(crypto, contentDigest, body);
  return body;
}

function refusalOf(error: unknown): unknown {
  if (!(error instanceof WireError)) return error;
  const digest = error.code === 'digest-malformed' || error.code === 'digest-mismatch';
  const code = digest ? 'digest-mismatch' : error.code === 'body-too-large' ? 'body-too-large' : 'body-malformed';
  return new CaError(code, error.message, { cause: error });
}

async function signedProblem(
  issuer: Remote<ClusterIssuerRpc>,
  { agent, requestSignature }: AgentRequest,
  error: unknown,
  { log }: Services,
): Promise<Response> {
  const problem = problemOf(error);
  log('agent-refused', {
    agent: agent.podName,
    status: problem.status,
    code: problem.code,
    reason: error instanceof Error ? error.message : String(error),
  });
  return passOn(valueOf(await issuer.answerProblem(problem.status, problem, requestSignature)));
}

function passOn(packed: Uint8Array): Response {
  const { status, headers, body } = decodeAnswer(packed);
  return new Response(body as Uint8Array<ArrayBuffer>, { status, headers });
}

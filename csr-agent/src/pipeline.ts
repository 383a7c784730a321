import { parseCsr, type Csr } from '../../pki/src/csr/parse.ts';
import { checkCsrAgainst } from '../../pki/src/csr/check.ts';
import { PkiError } from '../../pki/src/errors.ts';
import { decodePem } from '../../pki/src/pem.ts';
import { formatIdentity } from '../../pki/src/spiffe_id.ts';
import type { TokenAuthenticator } from './authenticate/token.ts';
import { checkClusterId } from './authorize/cluster_id.ts';
import type { Authorization, Authorizer } from './authorize/impersonation.ts';
import { badCsr, pass, refuse, type Step } from './refusal.ts';
import type { Caller, CertificateSigner, Refusal, SigningOutcome } from './steps.ts';

/** A request for a certificate as any front hands it in. */
export interface CertificateCall {
  readonly requestId: string;
  readonly authorization: readonly string[];
  readonly clusterId: readonly string[];
  /** PEM */
  readonly csr: string;
  readonly ttlSeconds: number;
  /** `ImpersonatedIdentity` of ztunnel, or null. */
  readonly impersonated: string | null;
  readonly receivedAt: number;
  readonly cancelled: AbortSignal;
  /** Is told once the caller has proven who it is. */
  readonly authenticated?: (caller: Caller) => void;
}

/** What happened, for the reply, the log and the metrics. Members are filled as far as the call came. */
export interface CallReport {
  readonly outcome:
    | SigningOutcome
    | { readonly ok: false; readonly kind: Refusal['kind']; readonly code: string; readonly reason: string };
  readonly caller: Caller | null;
  readonly authorization: Authorization | null;
}

export interface PipelineOptions {
  readonly authenticator: TokenAuthenticator;
  readonly authorizer: Authorizer;
  readonly clusterId: string;
  readonly signer: CertificateSigner;
}

/** authenticate → authorize → parse the CSR → sign. The signer verifies what it answers. Knows nothing of gRPC. */
export class Pipeline {
  readonly #options: PipelineOptions;

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  async run(call: CertificateCall): Promise<CallReport> {
    const { authenticator, authorizer, clusterId, signer } = this.#options;
    const cluster = checkClusterId(call.clusterId, clusterId);
    if (!cluster.ok) return refused(cluster.refusal, null, null);
    const authenticated = authenticator.authenticate(call.authorization);
    const who = authenticated instanceof Promise ? await authenticated : authenticated;
    if (!who.ok) return refused(who.refusal, null, null);
    const caller = who.value;
    call.authenticated?.(caller);
    const allowed = authorizer.authorize(caller, call.impersonated);
    if (!allowed.ok) return refused(allowed.refusal, caller, null);
    const { identity, target, impersonated } = allowed.value;
    const identityText = formatIdentity(identity);
    const parsed = readCsr(call.csr, identityText);
    if (!parsed.ok) return refused(parsed.refusal, caller, allowed.value);
    const outcome = await signer.sign({
      requestId: call.requestId,
      caller,
      target,
      impersonated,
      identity,
      identityText,
      csr: parsed.value,
      ttlSeconds: call.ttlSeconds,
      receivedAt: call.receivedAt,
      cancelled: call.cancelled,
      recheck: () => this.#recheck(caller, call.impersonated),
    });
    return { outcome, caller, authorization: allowed.value };
  }

  #recheck(caller: Caller, impersonated: string | null): Refusal | null {
    const { authenticator, authorizer } = this.#options;
    const still = authenticator.recheck(caller);
    if (!still.ok) return still.refusal;
    const allowed = authorizer.authorize(still.value, impersonated);
    return allowed.ok ? null : allowed.refusal;
  }
}

function readCsr(pem: string, identity: string): Step<Csr> {
  try {
    const [der = new Uint8Array()] = decodePem(pem, 'CERTIFICATE REQUEST', { maxCharacters: 16_384 });
    const csr = parseCsr(der);
    checkCsrAgainst(csr, identity);
    return pass(csr);
  } catch (error) {
    if (error instanceof PkiError) return refuse(badCsr(error.code, error.message));
    throw error;
  }
}

function refused(refusal: Refusal, caller: Caller | null, authorization: Authorization | null): CallReport {
  return { outcome: { ok: false, ...refusal }, caller, authorization };
}

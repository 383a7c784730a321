import { randomUUID } from 'node:crypto';
import { CliError } from '../errors.ts';
import type { Fetch } from './node_fetch.ts';
import { problemError } from './problem.ts';
import type {
  ApiToken,
  AuditEntry,
  BootstrapAnswer,
  Cluster,
  ClusterInput,
  ClusterKeysSet,
  Health,
  JsonWebKeySet,
  LedgerCounts,
  LedgerRow,
  Page,
  Revocation,
  RevocationMark,
  Role,
  Root,
  TrustDomain,
} from './types.ts';

interface Settings {
  url: string;
  token: string | null;
  fetch: Fetch;
}

/** The admin side of the CA's HTTP API. Every method throws CliError, with the CA's own next step where it gives one. */
export class AdminApi {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Authenticated by the deployment's bootstrap token; works once. */
  bootstrap(tokenName: string): Promise<BootstrapAnswer> {
    return this.#call('bootstrapping the CA', 'POST', '/v1/bootstrap', { tokenName });
  }

  /** Public, and answered also by a CA that cannot serve. @param now ms since 1970 */
  async health(now: () => number): Promise<{ health: Health; /** ms since 1970 */ date: number | null; at: number }> {
    const { url, fetch } = this.#settings;
    const doing = 'reading the health';
    const sentAt = now();
    const answer = await fetch(`${url}/healthz`, { method: 'GET', headers: { accept: 'application/json' } }).catch(
      (cause: unknown) => {
        throw unreachable(url, doing, cause);
      },
    );
    const date = Date.parse(answer.date);
    const read = { date: Number.isNaN(date) ? null : date, at: (sentAt + now()) / 2 };
    if (answer.status !== 200 && answer.status !== 503) throw problemError(answer, doing);
    return { health: this.#json(doing, answer.text) as Health, ...read };
  }

  createTrustDomain(name: string): Promise<TrustDomain> {
    return this.#call(`creating trust domain ${name}`, 'POST', '/v1/trust-domains', { name });
  }

  async listTrustDomains(): Promise<TrustDomain[]> {
    const { rows } = await this.#call<{ rows: TrustDomain[] }>('listing trust domains', 'GET', '/v1/trust-domains');
    return rows;
  }

  createRoot(trustDomain: string, input: { keyType: string; name?: string }): Promise<Root> {
    return this.#call('creating a root', 'POST', `${domain(trustDomain)}/roots`, input);
  }

  async listRoots(trustDomain: string): Promise<Root[]> {
    const path = `${domain(trustDomain)}/roots`;
    const { rows } = await this.#call<{ rows: Root[] }>('listing roots', 'GET', path);
    return rows;
  }

  enrolCluster(trustDomain: string, input: ClusterInput): Promise<Cluster> {
    return this.#call(`enrolling cluster ${input.name}`, 'POST', `${domain(trustDomain)}/clusters`, input);
  }

  async listClusters(trustDomain: string): Promise<Cluster[]> {
    const path = `${domain(trustDomain)}/clusters`;
    const { rows } = await this.#call<{ rows: Cluster[] }>('listing clusters', 'GET', path);
    return rows;
  }

  showCluster(trustDomain: string, name: string): Promise<Cluster> {
    return this.#call(`reading cluster ${name}`, 'GET', cluster(trustDomain, name));
  }

  disableCluster(trustDomain: string, name: string): Promise<{ enforced: boolean; epoch: number }> {
    return this.#call(`disabling cluster ${name}`, 'POST', `${cluster(trustDomain, name)}/disable`, {});
  }

  setClusterKeys(
    trustDomain: string,
    name: string,
    input: { issuer?: string; jwks: JsonWebKeySet },
  ): Promise<ClusterKeysSet> {
    return this.#call(`setting the token keys of ${name}`, 'POST', `${cluster(trustDomain, name)}/keys`, input);
  }

  certificates(trustDomain: string, name: string, query: Record<string, string>): Promise<Page<LedgerRow>> {
    const search = new URLSearchParams(query).toString();
    const path = `${cluster(trustDomain, name)}/certificates${search === '' ? '' : `?${search}`}`;
    return this.#call(`listing certificates of ${name}`, 'GET', path);
  }

  counts(trustDomain: string, name: string): Promise<LedgerCounts> {
    return this.#call(`counting certificates of ${name}`, 'GET', `${cluster(trustDomain, name)}/certificates/counts`);
  }

  revoke(trustDomain: string, name: string, input: RevocationMark & { reason: string }): Promise<Revocation> {
    return this.#call(
      `revoking ${input.kind} ${input.subject}`,
      'POST',
      `${cluster(trustDomain, name)}/revocations`,
      input,
    );
  }

  liftRevocation(trustDomain: string, name: string, mark: RevocationMark): Promise<Revocation> {
    const path = `${cluster(trustDomain, name)}/revocations/lift`;
    return this.#call(`lifting the revocation of ${mark.kind} ${mark.subject}`, 'POST', path, mark);
  }

  async revocations(trustDomain: string, name: string): Promise<Revocation[]> {
    const path = `${cluster(trustDomain, name)}/revocations`;
    const { rows } = await this.#call<{ rows: Revocation[] }>(`listing what is revoked in ${name}`, 'GET', path);
    return rows;
  }

  /** Public. PEM of all trusted roots, active first. */
  bundlePem(trustDomain: string): Promise<string> {
    return this.#text(`reading the bundle of ${trustDomain}`, `${domain(trustDomain)}/bundle.pem`);
  }

  /** Public. The SPIFFE bundle: a JWK set with sequence and refresh hint. */
  bundleJson(trustDomain: string): Promise<object> {
    return this.#call(`reading the bundle of ${trustDomain}`, 'GET', `${domain(trustDomain)}/bundle.json`);
  }

  createToken(input: {
    name: string;
    role: Role;
    trustDomains: '*' | string[];
    ttlSeconds: number;
  }): Promise<ApiToken & { token: string }> {
    return this.#call('creating an API token', 'POST', '/v1/tokens', input);
  }

  async listTokens(): Promise<ApiToken[]> {
    const { rows } = await this.#call<{ rows: ApiToken[] }>('listing API tokens', 'GET', '/v1/tokens');
    return rows;
  }

  /** Of the deployment (null), or of a trust domain; oldest first. */
  audit(trustDomain: string | null, query: Record<string, string>): Promise<Page<AuditEntry>> {
    const of = trustDomain === null ? '/v1' : domain(trustDomain);
    const what = trustDomain === null ? 'the deployment' : trustDomain;
    return this.#call(`reading the audit of ${what}`, 'GET', `${of}/audit?${new URLSearchParams(query).toString()}`);
  }

  revokeToken(id: string): Promise<ApiToken> {
    return this.#call(`revoking API token ${id}`, 'POST', `/v1/tokens/${encodeURIComponent(id)}/revoke`, {});
  }

  async #call<T>(doing: string, method: string, path: string, body?: object): Promise<T> {
    return this.#json(doing, await this.#send(doing, method, path, 'application/json', body)) as T;
  }

  /** Trusted for its shape: it is the CA's own API. */
  #json(doing: string, text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new CliError('ca-answer', `${doing}: the answer is not JSON`, {
        next: `is ${this.#settings.url} the CA, and not a page before it?`,
        cause,
      });
    }
  }

  #text(doing: string, path: string): Promise<string> {
    return this.#send(doing, 'GET', path, '*/*');
  }

  async #send(doing: string, method: string, path: string, accept: string, body?: object): Promise<string> {
    const { url, token, fetch } = this.#settings;
    const headers: Record<string, string> = {
      accept,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      // A retry of this very call, by whatever lies between, is then the same act.
      ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
    };
    const answer = await fetch(url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw unreachable(url, doing, cause);
    });
    if (answer.status >= 200 && answer.status < 300) return answer.text;
    throw problemError(answer, doing);
  }
}

function domain(trustDomain: string): string {
  return `/v1/trust-domains/${encodeURIComponent(trustDomain)}`;
}

function cluster(trustDomain: string, name: string): string {
  return `${domain(trustDomain)}/clusters/${encodeURIComponent(name)}`;
}

const PRIVATE_CERTIFICATE = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

function unreachable(url: string, doing: string, cause: unknown): CliError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reason = code || (cause instanceof Error ? cause.message : 'no connection');
  const next = PRIVATE_CERTIFICATE.has(code)
    ? 'the CA’s TLS certificate is not publicly trusted: name its root with --ca-cert FILE'
    : 'check --ca / AMBIENT_CA_URL, and that the CA runs';
  return new CliError('ca-unreachable', `${doing}: cannot reach ${url} (${reason})`, { next, cause });
}

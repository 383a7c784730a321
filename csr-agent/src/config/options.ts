import * as z from 'zod';
import { parseDuration } from '../../../ca-service/src/client/duration.ts';
import { isNamespace, isServiceAccountName, isTrustDomain } from '../../../pki/src/spiffe_id.ts';
import { parseProxyUrl } from '../edge/proxy.ts';

/** Parses text into a value, or says in one sentence what was expected. */
function parsed<T>(expected: string, parse: (value: string) => T | undefined): z.ZodType<T, string> {
  return z.string().transform((value, context) => {
    const result = parse(value);
    if (result !== undefined) return result;
    context.addIssue({ code: 'custom', message: `${JSON.stringify(value)} is not valid, expected ${expected}` });
    return z.NEVER;
  });
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const address = parsed('HOST:PORT, as in 127.0.0.1:6443 or [::]:6443', (value): HostPort | undefined => {
  const match = /^(?:\[([0-9a-f:.]+)\]|([A-Za-z0-9.-]*)):(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  return { host: match[1] ?? (match[2] === '' ? '::' : (match[2] ?? '')), port };
});

const duration = parsed('a duration such as 90s, 10m or 3h', (value) => parseDuration(value) ?? undefined);

const count = parsed('a whole number from 1 to 100000', (value) => {
  const number = Number(value);
  return /^[1-9]\d{0,5}$/.test(value) && number <= 100_000 ? number : undefined;
});

const account = parsed('NAMESPACE/SERVICE-ACCOUNT', (value) => {
  const [namespace = '', name = '', ...rest] = value.split('/');
  return rest.length === 0 && isNamespace(namespace) && isServiceAccountName(name) ? value : undefined;
});

interface AgentPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

const podReference = parsed('NAMESPACE/NAME/UID', (value): AgentPod | undefined => {
  const [namespace = '', name = '', uid = '', ...rest] = value.split('/');
  return rest.length === 0 && isNamespace(namespace) && name !== '' && uid !== ''
    ? { namespace, name, uid }
    : undefined;
});

const url = parsed('an http or https URL without path, query or trailing slash', (value) => {
  try {
    const { origin, protocol } = new URL(value);
    return (protocol === 'https:' || protocol === 'http:') && origin === value ? value : undefined;
  } catch {
    return undefined;
  }
});

/** It may hold a password, so a fault does not repeat it. */
const proxy = z.string().refine((value) => value === 'none' || parseProxyUrl(value) !== undefined, {
  error: 'not valid, expected http://HOST:PORT or none',
});

const name = parsed('a name of a-z, 0-9 and -', (value) => (isNamespace(value) ? value : undefined));
const dnsName = parsed('a DNS name', (value) => (isServiceAccountName(value) ? value : undefined));
const trustDomain = parsed('a SPIFFE trust domain', (value) => (isTrustDomain(value) ? value : undefined));
const fingerprint = parsed('the SHA-256 of the root certificate in hexadecimal', (value) => {
  const hex = value.replaceAll(':', '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(hex) ? hex : undefined;
});
const text = z.string().min(1);

export interface KeySetFile {
  /** Null: the token issuer of the cluster. */
  readonly issuer: string | null;
  readonly path: string;
}

const keySet = parsed('PATH or ISSUER=PATH', (value): KeySetFile | undefined => {
  const at = value.lastIndexOf('=');
  const path = value.slice(at + 1);
  return path === '' || at === 0 ? undefined : { issuer: at < 0 ? null : value.slice(0, at), path };
});

export interface Option {
  readonly type: z.ZodType;
  /** May be given more than once; in the environment the values are separated by commas. */
  readonly many?: true;
  readonly fallback?: string | readonly string[];
  /** Without a fallback an option is required, unless it is optional. */
  readonly optional?: true;
  readonly help: string;
}

/** Every setting of the agent, once: the flag is its name in kebab case, the variable AMBIENT_AGENT_ and its name in upper case. */
export const OPTIONS = {
  trustDomain: { type: trustDomain, help: 'trust domain of the mesh, as in meshConfig.trustDomain' },
  cluster: { type: name, help: 'name of this cluster at the CA, as enrolled' },
  clusterId: {
    type: text,
    fallback: 'Kubernetes',
    help: "the mesh's own name of the cluster: what clients may send as clusterid",
  },
  caUrl: { type: url, help: 'URL of the CA' },
  caCert: {
    type: text,
    optional: true,
    help: 'PEM file with roots of the TLS certificate of the CA, beside those of the system; read again when it changes',
  },
  caProxy: {
    type: proxy,
    optional: true,
    help: 'HTTP proxy on the way to the CA, or none; without it HTTPS_PROXY and NO_PROXY count',
  },
  rootPin: {
    type: fingerprint,
    many: true,
    fallback: [],
    help: 'SHA-256 of a root to accept while no bundle is stored; `ambient-ca cluster show` prints it',
  },
  listen: { type: address, fallback: '[::]:6443', help: 'where the Istio CA gRPC API listens' },
  healthListen: { type: address, fallback: '[::]:6060', help: 'where /readyz and /livez listen' },
  metricsListen: { type: address, fallback: '[::]:9402', help: 'where /metrics listens' },
  tokenIssuer: {
    type: text,
    fallback: 'https://kubernetes.default.svc',
    help: 'issuer (iss) of the service-account tokens of the cluster',
  },
  tokenAudience: { type: text, fallback: 'istio-ca', help: 'audience that a workload token must have' },
  jwksFile: { type: keySet, many: true, help: 'key set that verifies tokens, or ISSUER=PATH for another issuer' },
  podsFile: { type: text, help: 'JSON array of the pods: {namespace, name, uid, serviceAccount, node}' },
  trustedNodeAccounts: {
    type: account,
    many: true,
    fallback: [],
    help: 'accounts that may ask on behalf of pods on their node: those of ztunnel',
  },
  servingNames: {
    type: dnsName,
    many: true,
    help: 'DNS names of the serving certificate, exactly those of the enrolment',
  },
  stateDir: { type: text, help: 'directory for the serving certificate and the last accepted bundle' },
  agentTokenKey: { type: text, help: "PKCS#8 PEM of the local token issuer, which makes the agent's own token" },
  agentAccount: { type: account, help: "service account of the agent's own token" },
  agentPod: { type: podReference, help: 'pod of the agent, to which its own token is bound' },
  node: { type: text, fallback: 'local', help: 'node the agent runs on' },
  minTls: { type: z.enum(['1.2', '1.3']), fallback: '1.3', help: 'lowest TLS version served' },
  maxConnections: {
    type: count,
    fallback: '2048',
    help: 'connections of the mesh at once; above that the longest idle one ends, an unauthenticated one first',
  },
  drainGrace: { type: duration, fallback: '10m', help: 'how long held calls may live after SIGTERM' },
  holdMax: { type: duration, fallback: '3h', help: 'longest hold of a renewal while the CA is away' },
  firstHold: { type: duration, fallback: '30s', help: 'longest hold of a first issuance' },
  logLevel: { type: z.enum(['debug', 'info', 'warn', 'error']), fallback: 'info', help: 'lowest level that is logged' },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;

type ValueOf<O extends Option> = O extends { many: true }
  ? readonly z.output<O['type']>[]
  : O extends { optional: true }
    ? z.output<O['type']> | null
    : z.output<O['type']>;

/** The validated settings; durations are in seconds. */
export type AgentConfig = { readonly [K in OptionName]: ValueOf<(typeof OPTIONS)[K]> };

export const flagOf = (option: string): string =>
  `--${option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
export const variableOf = (option: string): string =>
  `AMBIENT_AGENT_${option.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

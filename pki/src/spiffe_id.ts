import { PkiError } from './errors.ts';

/** SPIFFE-ID standard §2.3: an ID is at most 2 048 bytes, a trust domain at most 255. */
const MAX_ID = 2048;
const MAX_TRUST_DOMAIN = 255;

/** A SPIFFE ID taken apart; `path` is empty or begins with a slash. */
export interface SpiffeId {
  readonly trustDomain: string;
  readonly path: string;
}

/** The shape that Istio gives a SPIFFE ID: a service account of a namespace. */
export interface Identity {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

const TRUST_DOMAIN = /^[a-z0-9._-]+$/;
const PATH_SEGMENT = /^[a-zA-Z0-9._-]+$/;
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** SPIFFE-ID standard §2.1. */
export function isTrustDomain(text: string): boolean {
  return text.length <= MAX_TRUST_DOMAIN && TRUST_DOMAIN.test(text);
}

/** RFC 1123 label: what Kubernetes takes as a namespace. */
export function isNamespace(text: string): boolean {
  return DNS_LABEL.test(text);
}

/** RFC 1123 subdomain, at most 253 characters: what Kubernetes takes as a service account. */
export function isServiceAccountName(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => DNS_LABEL.test(label));
}

/**
 * By the grammar of the SPIFFE-ID standard (§2): lower-case scheme, no user, port, query, fragment or percent-encoding,
 * no empty, `.` or `..` segment, no trailing slash.
 *
 * @throws PkiError `spiffe-size`, `spiffe-scheme`, `spiffe-trust-domain`, `spiffe-path`
 */
export function parseSpiffeId(text: string): SpiffeId {
  if (text.length > MAX_ID) throw new PkiError('spiffe-size', `SPIFFE ID of more than ${MAX_ID} characters`);
  if (!text.startsWith('spiffe://')) throw new PkiError('spiffe-scheme', 'expected an ID that begins with spiffe://');
  const slash = text.indexOf('/', 9);
  const trustDomain = slash < 0 ? text.slice(9) : text.slice(9, slash);
  const path = slash < 0 ? '' : text.slice(slash);
  if (!isTrustDomain(trustDomain)) {
    throw new PkiError('spiffe-trust-domain', 'trust domain that is empty, too long or not of a-z 0-9 . _ -');
  }
  const segments = path === '' ? [] : path.slice(1).split('/');
  if (!segments.every((segment) => PATH_SEGMENT.test(segment) && segment !== '.' && segment !== '..')) {
    throw new PkiError('spiffe-path', 'path with a segment that is empty, relative or not of a-z A-Z 0-9 . _ -');
  }
  return { trustDomain, path };
}

const IDENTITY = /^\/ns\/([^/]+)\/sa\/([^/]+)$/;

/**
 * An Istio identity, `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`, with names that Kubernetes would accept.
 *
 * @throws PkiError as `parseSpiffeId`, or `spiffe-identity`
 */
export function parseIdentity(text: string): Identity {
  const { trustDomain, path } = parseSpiffeId(text);
  const [, namespace = '', serviceAccount = ''] = IDENTITY.exec(path) ?? [];
  if (!isNamespace(namespace) || !isServiceAccountName(serviceAccount)) {
    throw new PkiError(
      'spiffe-identity',
      'expected /ns/<namespace>/sa/<service account> with legal Kubernetes names after the trust domain',
    );
  }
  return { trustDomain, namespace, serviceAccount };
}

export function formatIdentity({ trustDomain, namespace, serviceAccount }: Identity): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}

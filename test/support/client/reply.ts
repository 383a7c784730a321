import { X509Certificate, type KeyObject } from 'node:crypto';

/**
 * What a client of the mesh makes of `cert_chain`. Nothing here checks validity, the key, the order or the EKU: ztunnel does not
 * (istio-contract §A4), so a wrong reply becomes `Available` and fails in the handshake.
 */
export interface WorkloadCertificate {
  leaf: X509Certificate;
  intermediates: X509Certificate[];
  /** The only trust anchors this identity knows for its peers. */
  roots: X509Certificate[];
  key: KeyObject;
  identity: string | undefined;
}

/** The names of ztunnel's errors (src/identity/error.rs, src/tls/error.rs). */
export type ReplyFault = 'EmptyResponse' | 'InvalidRootCert' | 'CertificateParseError' | 'SanError';

export class ReplyError extends Error {
  readonly fault: ReplyFault;
  constructor(fault: ReplyFault, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.fault = fault;
  }
}

const BLOCK = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n([\s\S]*?)^-----END \1-----/gm;

interface Block {
  label: string;
  der: Buffer;
}

/**
 * The blocks a reader that goes by lines sees (rustls_pemfile::read_all): a BEGIN line counts at the start of a line only, so that a block
 * glued to the one before is lost (experiments §6).
 */
export function pemBlocks(pem: string): Block[] {
  return [...pem.matchAll(BLOCK)].map(([, label = '', body = '']) => ({ label, der: Buffer.from(body, 'base64') }));
}

function certificate(block: Block | undefined): X509Certificate {
  // An element without a block, or whose first block is something else, loses the whole reply (certificate.rs parse_cert).
  if (block?.label !== 'CERTIFICATE') throw new ReplyError('CertificateParseError', 'no certificate');
  try {
    return new X509Certificate(block.der);
  } catch (cause) {
    throw new ReplyError('CertificateParseError', 'certificate does not parse', { cause });
  }
}

const IDENTITY = /^spiffe:\/\/[^/]*\/ns\/[^/]*\/sa\/[^/]*$/;

/** The first URI SAN, when it has the Istio shape (Certificate::identity, Identity::from_str: exactly five segments). */
export function identityOf(leaf: X509Certificate): string | undefined {
  const uri = (leaf.subjectAltName ?? '')
    .split(', ')
    .find((name) => name.startsWith('URI:'))
    ?.slice(4);
  return uri !== undefined && IDENTITY.test(uri) ? uri : undefined;
}

/**
 * @param chain cert_chain of the response
 * @param requested the identity that the leaf must carry, given in shared mode only (CaClient::fetch_certificate)
 * @throws ReplyError
 */
export function readReply(chain: readonly string[], key: KeyObject, requested?: string): WorkloadCertificate {
  const [first, ...rest] = chain;
  if (first === undefined) throw new ReplyError('EmptyResponse', 'empty response from CA');
  const leaf = certificate(pemBlocks(first)[0]);
  const last = rest.at(-1);
  if (last === undefined) throw new ReplyError('InvalidRootCert', 'no root certificate present');
  const roots = pemBlocks(last).map(certificate);
  const intermediates = rest.slice(0, -1).map((element) => certificate(pemBlocks(element)[0]));
  const identity = identityOf(leaf);
  if (requested !== undefined && identity !== requested) {
    throw new ReplyError('SanError', `did not find expected SAN: ${requested}, found ${identity}`);
  }
  return { leaf, intermediates, roots, key, identity };
}

/** pilot-agent (citadel/client.go CSRSign, secretcache.go concatCerts): every element is sent in the handshake, the last one is the ROOTCA. */
export function readPilotReply(chain: readonly string[]): { certChainPem: string; rootPem: string } {
  if (chain.length <= 1) throw new ReplyError('EmptyResponse', 'invalid empty CertChain');
  return { certChainPem: chain.join(''), rootPem: chain.at(-1) ?? '' };
}

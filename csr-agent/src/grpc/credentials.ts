import { constants } from 'node:crypto';
import type { SecureServerOptions } from 'node:http2';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';

export interface ServingCertificate {
  readonly keyPem: string;
  /** Leaf and intermediates, without the root. */
  readonly certPem: string;
}

/** Post-quantum hybrid first; P-256 and P-384 for clients whose FIPS provider has nothing else (ztunnel with OpenSSL). */
const GROUPS = 'X25519MLKEM768:X25519:P-256:P-384';
/** For TLS 1.2, when it is switched on: ECDHE with AEAD only. The suites of 1.3 are fixed by OpenSSL. */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_AES_128_GCM_SHA256',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
].join(':');

/** Of every connection, before it has sent anything we would believe. */
const LIMITS: SecureServerOptions = {
  // No client certificate is asked for: ztunnel never has one.
  requestCert: false,
  handshakeTimeout: 10_000,
  unknownProtocolTimeout: 1_000,
  maxHeaderListPairs: 64,
  // A token may have 8 KiB. ztunnel has 8 calls in flight.
  settings: { maxConcurrentStreams: 100, maxHeaderListSize: 16 * 1024 },
};

/**
 * TLS of the gRPC server. `replace` gives new connections another certificate; connections that stand keep theirs and
 * are not dropped.
 */
export class AgentCredentials extends ServerCredentials {
  readonly #minVersion: 'TLSv1.2' | 'TLSv1.3';

  /** @throws Error when key and certificate do not fit */
  constructor(certificate: ServingCertificate, minTls: '1.2' | '1.3') {
    const minVersion = minTls === '1.2' ? 'TLSv1.2' : 'TLSv1.3';
    super(LIMITS, contextOf(certificate, minVersion));
    this.#minVersion = minVersion;
  }

  /** @throws Error when key and certificate do not fit: grpc-js would take no connection any more */
  replace(certificate: ServingCertificate): void {
    this.updateSecureContextOptions(contextOf(certificate, this.#minVersion));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf(certificate: ServingCertificate, minVersion: 'TLSv1.2' | 'TLSv1.3'): SecureContextOptions {
  const options: SecureContextOptions = {
    key: certificate.keyPem,
    cert: certificate.certPem,
    minVersion,
    ecdhCurve: GROUPS,
    ciphers: CIPHERS,
    honorCipherOrder: true,
    // RFC 9113 §9.2.1; each renegotiation would cost us a signature.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
  createSecureContext(options);
  return options;
}

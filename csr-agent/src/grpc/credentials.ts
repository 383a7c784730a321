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

/**
 * TLS of the gRPC server. `replace` gives new connections another certificate; connections that stand keep theirs and
 * are not dropped. No client certificate is asked for: ztunnel never has one.
 */
export class AgentCredentials extends ServerCredentials {
  readonly #minVersion: 'TLSv1.2' | 'TLSv1.3';

  constructor(certificate: ServingCertificate, minTls: '1.2' | '1.3') {
    const minVersion = minTls === '1.2' ? 'TLSv1.2' : 'TLSv1.3';
    super({ ...contextOf(certificate, minVersion), requestCert: false }, contextOf(certificate, minVersion));
    this.#minVersion = minVersion;
  }

  replace(certificate: ServingCertificate): void {
    this.updateSecureContextOptions(contextOf(certificate, this.#minVersion));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf({ keyPem, certPem }: ServingCertificate, minVersion: 'TLSv1.2' | 'TLSv1.3') {
  return { key: keyPem, cert: certPem, minVersion, ecdhCurve: GROUPS, ciphers: CIPHERS, honorCipherOrder: true };
}

import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SecretSource } from './bootstrap.ts';

/** What one workload holds, as PEM. */
export interface Material {
  readonly keyPem: string;
  /** What it presents. */
  readonly chainPem: string;
  /** What it trusts. */
  readonly rootPem: string;
}

/** Of the elements of a reply, what pilot-agent makes of them: all are presented, the last is trusted (istio-contract §B3). */
export const materialOf = (keyPem: string, chain: readonly string[]): Material => ({
  keyPem,
  chainPem: chain.join(''),
  rootPem: chain.at(-1) ?? '',
});

const TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
const inline = (pem: string): { inline_string: string } => ({ inline_string: pem });

/** Secrets as files that Envoy watches: they can be replaced while it runs, as SDS of a pilot-agent would. */
export class SecretFiles implements SecretSource {
  readonly #folder: string;
  readonly clusters = [];

  constructor(folder: string, material: Material) {
    this.#folder = folder;
    mkdirSync(folder);
    this.replace(material);
  }

  configSource(name: string): Readonly<Record<string, unknown>> {
    return {
      path_config_source: { path: join(this.#folder, `${name}.json`), watched_directory: { path: this.#folder } },
    };
  }

  replace({ keyPem, chainPem, rootPem }: Material): void {
    this.#write('ROOTCA', { validation_context: { trusted_ca: inline(rootPem) } });
    this.#write('default', { tls_certificate: { certificate_chain: inline(chainPem), private_key: inline(keyPem) } });
  }

  /** By a rename, which is what Envoy watches for. */
  #write(name: string, secret: Readonly<Record<string, unknown>>): void {
    const path = join(this.#folder, `${name}.json`);
    writeFileSync(`${path}.new`, JSON.stringify({ resources: [{ '@type': TYPE, name, ...secret }] }));
    renameSync(`${path}.new`, path);
  }
}

const SDS_CLUSTER = 'sds-grpc';
const HTTP2 = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicit_http_config: { http2_protocol_options: {} },
  },
};

/** Secrets from the pilot-agent that started the Envoy, as Istio's bootstrap has it: SDS on a socket in their working folder. */
export const pilotAgentSecrets: SecretSource = {
  configSource: () => ({
    resource_api_version: 'V3',
    initial_fetch_timeout: '0s',
    api_config_source: {
      api_type: 'GRPC',
      transport_api_version: 'V3',
      grpc_services: [{ envoy_grpc: { cluster_name: SDS_CLUSTER } }],
    },
  }),
  clusters: [
    {
      name: SDS_CLUSTER,
      typed_extension_protocol_options: HTTP2,
      load_assignment: {
        cluster_name: SDS_CLUSTER,
        endpoints: [
          {
            lb_endpoints: [
              { endpoint: { address: { pipe: { path: './var/run/secrets/workload-spiffe-uds/socket' } } } },
            ],
          },
        ],
      },
    },
  ],
};

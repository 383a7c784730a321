/** Envoy's configuration as one of Istio's sidecars has it, as far as certificates go: SDS secrets `default` and `ROOTCA`, SAN matches by URI. */

/** On the address of the workload, as far as an address can be one's own without a network namespace. */
export const PORTS = { admin: 15_000, outbound: 15_001, inbound: 15_006 } as const;

type Json = Readonly<Record<string, unknown>>;

/** A matcher of a peer's URI SAN. */
export type SanMatch = { readonly exact: string } | { readonly prefix: string };

/** A peer, and what it must prove to be. */
export interface Upstream {
  readonly name: string;
  readonly address: string;
  readonly san: SanMatch;
}

/** How Envoy gets its secrets. */
export interface SecretSource {
  /** ConfigSource of the secret of that name. */
  configSource(name: string): Json;
  readonly clusters: readonly Json[];
}

export interface BootstrapOptions {
  readonly name: string;
  readonly address: string;
  readonly upstreams: readonly Upstream[];
  /** What a caller must prove to be. */
  readonly callers: SanMatch;
  readonly secrets: SecretSource;
}

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';
const HTTP = 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';

const CONNECTION_FAILED = {
  status_code_filter: { comparison: { op: 'EQ', value: { default_value: 503, runtime_key: 'unused' } } },
};
const REASON = '%UPSTREAM_TRANSPORT_FAILURE_REASON%';

const socket = (address: string, port: number): Json => ({ socket_address: { address, port_value: port } });

const tlsSocket = (kind: 'DownstreamTlsContext' | 'UpstreamTlsContext', config: Json): Json => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: { '@type': `${TLS}.${kind}`, ...config },
});

function commonTls(secrets: SecretSource, san: SanMatch): Json {
  const secret = (name: string): Json => ({ name, sds_config: secrets.configSource(name) });
  return {
    // The highest is said, as Istio does: an older Envoy's clients stop at 1.2, where a P-384 leaf fails (experiments §6).
    tls_params: { tls_minimum_protocol_version: 'TLSv1_2', tls_maximum_protocol_version: 'TLSv1_3' },
    alpn_protocols: ['h2'],
    tls_certificate_sds_secret_configs: [secret('default')],
    combined_validation_context: {
      default_validation_context: { match_typed_subject_alt_names: [{ san_type: 'URI', matcher: san }] },
      validation_context_sds_secret_config: secret('ROOTCA'),
    },
  };
}

function listener(name: string, at: Json, routes: readonly Json[], transport: Json): Json {
  const manager = {
    '@type': HCM,
    stat_prefix: name,
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': ROUTER } }],
    route_config: { virtual_hosts: [{ name, domains: ['*'], routes }] },
    // In the place of the text that hides why there is no connection.
    local_reply_config: {
      mappers: [{ filter: CONNECTION_FAILED, body_format_override: { text_format_source: { inline_string: REASON } } }],
    },
  };
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }];
  return { name, stat_prefix: name, address: at, filter_chains: [{ filters, ...transport }] };
}

const header = (key: string, value: string): Json => ({ header: { key, value } });

/** It answers every caller that it lets in with its name, and with what it knows of the caller. */
function inbound({ name, address, callers, secrets }: BootstrapOptions): Json {
  const answer = {
    match: { prefix: '/' },
    direct_response: { status: 200, body: { inline_string: `I am ${name}` } },
    response_headers_to_add: [
      header('x-caller', '%DOWNSTREAM_PEER_URI_SAN%'),
      header('x-tls', '%DOWNSTREAM_TLS_VERSION%'),
    ],
  };
  const transport = tlsSocket('DownstreamTlsContext', {
    require_client_certificate: true,
    disable_stateless_session_resumption: true,
    common_tls_context: commonTls(secrets, callers),
  });
  return listener('inbound', socket(address, PORTS.inbound), [answer], { transport_socket: transport });
}

/** Plain HTTP for the workload; the first part of the path is the peer. */
function outbound({ address, upstreams }: BootstrapOptions): Json {
  const routes = upstreams.map(({ name }) => ({
    match: { path: `/${name}` },
    route: { cluster: name, timeout: '20s' },
  }));
  return listener('outbound', socket(address, PORTS.outbound), routes, {});
}

/** Every request is a new connection, and every connection a whole handshake. */
function cluster({ name, address, san }: Upstream, secrets: SecretSource): Json {
  return {
    name,
    connect_timeout: '10s',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(address, PORTS.inbound) } }] }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': HTTP,
        common_http_protocol_options: { max_requests_per_connection: 1 },
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    transport_socket: tlsSocket('UpstreamTlsContext', {
      max_session_keys: 0,
      common_tls_context: commonTls(secrets, san),
    }),
  };
}

export function bootstrap(options: BootstrapOptions): Json {
  const { name, address, upstreams, secrets } = options;
  return {
    node: { id: name, cluster: 'mesh' },
    admin: { address: socket(address, PORTS.admin) },
    static_resources: {
      listeners: [inbound(options), outbound(options)],
      clusters: [...upstreams.map((upstream) => cluster(upstream, secrets)), ...secrets.clusters],
    },
  };
}

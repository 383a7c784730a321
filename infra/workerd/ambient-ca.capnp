# The CA on your own machine: the bundle of `npm run build:ca`, run by the real workerd, state on disk.
# One process at a time on a state directory: a second one gets SQLITE_BUSY and answers 500 (README.md here).
#
#   umask 077
#   KEK=… BOOTSTRAP_TOKEN=… CA_URL=https://ca.example.com ENVIRONMENT=production INSTANCE_ID=… \
#     workerd serve infra/workerd/ambient-ca.capnp --directory-path state=/var/lib/ambient-ca --socket-addr http=127.0.0.1:8080

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "ca", worker = .caWorker),
    (name = "state", disk = (path = "/var/lib/ambient-ca", writable = true)),
    # The CA calls nobody: a stolen worker has nowhere to send a key.
    (name = "blackhole", network = (allow = [])),
  ],
  sockets = [
    # Plain HTTP is for loopback: development, or a proxy that ends TLS on the same host.
    (name = "http", address = "127.0.0.1:8080", service = "ca", http = ()),
    # To end TLS here, replace the socket above. `embed` takes paths relative to this file, never absolute ones.
    # Clients are authenticated by what they sign, not by TLS; client certificates are a second fence at most.
    #
    # (name = "https", address = "*:8443", service = "ca",
    #   https = (options = (), tlsOptions = (
    #     keypair = (privateKey = embed "tls/server.key", certificateChain = embed "tls/server.crt"),
    #     minVersion = tls1Dot3))),
  ],
);

const caWorker :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed "../../dist/ca-service/index.js")],
  # As in wrangler.toml, which a test compares.
  compatibilityDate = "2026-10-23",
  compatibilityFlags = ["no_nodejs_compat"],
  globalOutbound = "blackhole",
  bindings = [
    (name = "DIRECTORY", durableObjectNamespace = "Directory"),
    (name = "TRUST_DOMAIN", durableObjectNamespace = "TrustDomain"),
    (name = "CLUSTER_ISSUER", durableObjectNamespace = "ClusterIssuer"),
    (name = "KEK", fromEnvironment = "KEK"),
    (name = "BOOTSTRAP_TOKEN", fromEnvironment = "BOOTSTRAP_TOKEN"),
    (name = "CA_URL", fromEnvironment = "CA_URL"),
    (name = "INSTANCE_ID", fromEnvironment = "INSTANCE_ID"),
    (name = "ENVIRONMENT", fromEnvironment = "ENVIRONMENT"),
  ],
  # The keys name the folders of the state and enter every object's id: changing one is losing the CA.
  durableObjectNamespaces = [
    (className = "Directory", uniqueKey = "ambient-ca-directory", enableSql = true),
    (className = "TrustDomain", uniqueKey = "ambient-ca-trust-domain", enableSql = true),
    (className = "ClusterIssuer", uniqueKey = "ambient-ca-cluster-issuer", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "state"),
);

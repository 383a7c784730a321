import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../interop/support/ports.ts';
import { run, until } from '../support/processes.ts';
import { toyCa } from '../support/toy/authority.ts';
import type { Anchor } from './anchor.ts';
import { KubeApi } from './kube_api.ts';
import type { BenchNode } from './material.ts';

const START_LIMIT = 60_000;
const NAMESPACE = 'istio-system';
const ZTUNNEL = 'ztunnel';
const AUDIENCE = 'istio-ca';
/** The default of 80 a second is all that it can do: it reviews the token of each request. */
const API_LIMIT = 100_000;
const DAY = 86_400_000;

/**
 * The real istiod that ISTIOD_BIN names, with its CA on a P-256 intermediate and its limits on the API server lifted: the best that
 * it can do. Before it the real kube-apiserver and etcd of KUBEBUILDER_ASSETS, with every pod of the benchmark.
 *
 * @returns why there is none, where it cannot be had
 */
export async function startIstiod(folder: string, nodes: readonly BenchNode[]): Promise<Anchor | string> {
  const { ISTIOD_BIN: binary, KUBEBUILDER_ASSETS: assets } = process.env;
  if (binary === undefined || assets === undefined) {
    return 'no istiod: ISTIOD_BIN names none, or KUBEBUILDER_ASSETS no folder with etcd and kube-apiserver';
  }
  const here = join(folder, 'istiod');
  mkdirSync(here, { recursive: true });
  const kube = await KubeApi.start(assets, join(here, 'kube'));
  try {
    await kube.namespace(NAMESPACE);
    await kube.serviceAccount(NAMESPACE, ZTUNNEL);
    const ztunnels = nodes.map(({ ztunnel }) => ztunnel);
    const uids = await kube.pods(ztunnels);
    await kube.pods(nodes.flatMap(({ pods }) => pods));
    const tokens = await Promise.all(ztunnels.map((pod, at) => kube.token(pod, uids[at] ?? '', AUDIENCE)));
    return await startAbove(kube, binary, here, tokens);
  } catch (error) {
    await kube.stop();
    throw error;
  }
}

async function startAbove(kube: KubeApi, binary: string, here: string, tokens: readonly string[]): Promise<Anchor> {
  const authority = join(here, 'cacerts');
  writeAuthority(authority);
  const [port, http] = [await freePort(), await freePort()];
  const { PATH = '' } = process.env;
  const istiod = run(
    binary,
    [
      'discovery',
      `--kubeconfig=${kube.kubeconfig()}`,
      `--kubernetesApiQPS=${API_LIMIT}`,
      `--kubernetesApiBurst=${API_LIMIT}`,
      `--secureGRPCAddr=127.0.0.1:${port}`,
      `--httpAddr=127.0.0.1:${http}`,
      '--grpcAddr=',
      '--httpsAddr=',
      `--monitoringAddr=127.0.0.1:${await freePort()}`,
      '--ctrlz_port=0',
    ],
    {
      log: join(here, 'istiod.log'),
      cwd: here,
      env: {
        PATH,
        ROOT_CA_DIR: authority,
        POD_NAMESPACE: NAMESPACE,
        POD_NAME: 'istiod-0',
        CA_TRUSTED_NODE_ACCOUNTS: `${NAMESPACE}/${ZTUNNEL}`,
        INJECTION_WEBHOOK_CONFIG_NAME: '',
        VALIDATION_WEBHOOK_CONFIG_NAME: '',
      },
    },
  );
  const stop = async (): Promise<void> => {
    await istiod.stop();
    await kube.stop();
  };
  try {
    await until('istiod serves its CA', START_LIMIT, () => {
      if (istiod.child.exitCode !== null) throw new Error(`istiod ended with ${istiod.child.exitCode}`);
      return answers(port);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const roots = readFileSync(join(authority, 'root-cert.pem'), 'utf8');
  const target = { host: '127.0.0.1', port, serverName: 'istiod.istio-system.svc', roots };
  return { name: 'istiod', target, pids: { agent: istiod.pid, ca: kube.pid }, tokens, stop };
}

/** A P-256 root and intermediate in the files that istiod takes its CA from. */
function writeAuthority(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const life = { notBefore: Date.now() - DAY, notAfter: Date.now() + 30 * DAY };
  const root = toyCa('root of the benchmark', life);
  const intermediate = toyCa('intermediate of the benchmark', life, root);
  const files = {
    'root-cert.pem': root.pem,
    'ca-cert.pem': intermediate.pem,
    'ca-key.pem': intermediate.key.export({ type: 'pkcs8', format: 'pem' }),
    'cert-chain.pem': intermediate.pem,
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content, { mode: 0o600 });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

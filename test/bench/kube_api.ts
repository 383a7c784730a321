import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { freePort } from '../interop/support/ports.ts';
import { run, until, type Running } from '../support/processes.ts';
import type { Pod } from '../support/token.ts';

const START_LIMIT = 60_000;
/** Requests at a time while the pods are made. */
const PARALLEL = 32;

/**
 * A real kube-apiserver with etcd, on loopback and in a folder of its own, for a peer that asks one about each token. Everyone who
 * has the administrator's token may do everything: what is measured is another thing.
 */
export class KubeApi {
  readonly url: string;
  readonly #folder: string;
  readonly #token: string;
  readonly #running: readonly Running[];
  readonly #agent = new https.Agent({ keepAlive: true, maxSockets: PARALLEL });

  private constructor(url: string, folder: string, token: string, running: readonly Running[]) {
    this.url = url;
    this.#folder = folder;
    this.#token = token;
    this.#running = running;
  }

  /** @param assets folder with the programs `etcd` and `kube-apiserver`, as envtest lays it out */
  static async start(assets: string, folder: string): Promise<KubeApi> {
    mkdirSync(folder, { recursive: true });
    const file = (name: string): string => join(folder, name);
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(file('sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
    writeFileSync(file('sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    const token = randomBytes(16).toString('hex');
    writeFileSync(file('tokens.csv'), `${token},admin,admin,"system:masters"\n`);
    const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
    const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
    const etcd = run(
      join(assets, 'etcd'),
      [
        `--data-dir=${file('etcd')}`,
        `--listen-client-urls=${clientUrl}`,
        `--advertise-client-urls=${clientUrl}`,
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=default=${peerUrl}`,
      ],
      { log: file('etcd.log') },
    );
    const api = run(
      join(assets, 'kube-apiserver'),
      [
        `--etcd-servers=${clientUrl}`,
        `--service-account-key-file=${file('sa.pub')}`,
        `--service-account-signing-key-file=${file('sa.key')}`,
        '--service-account-issuer=https://kubernetes.default.svc',
        '--authorization-mode=AlwaysAllow',
        `--token-auth-file=${file('tokens.csv')}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        `--cert-dir=${file('certs')}`,
        '--service-cluster-ip-range=10.0.0.0/24',
        // Pods may name service accounts that nobody made.
        '--disable-admission-plugins=ServiceAccount',
      ],
      { log: file('kube-apiserver.log') },
    );
    const kube = new KubeApi(`https://127.0.0.1:${port}`, folder, token, [etcd, api]);
    try {
      await until('the API server is ready', START_LIMIT, async () => {
        if (api.child.exitCode !== null) throw new Error(`kube-apiserver ended with ${api.child.exitCode}`);
        if (!existsSync(kube.#root)) return false;
        return kube.#send('GET', '/readyz').then(
          () => true,
          () => false,
        );
      });
    } catch (error) {
      await kube.stop();
      throw error;
    }
    return kube;
  }

  /** Of the API server itself; etcd hardly has a part in reviews of tokens. */
  get pid(): number {
    return this.#running[1]?.pid ?? 0;
  }

  /** The file with which its clients find it. */
  kubeconfig(): string {
    const path = join(this.#folder, 'kubeconfig');
    const cluster = { server: this.url, 'certificate-authority': this.#root };
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'bench', cluster }],
      users: [{ name: 'admin', user: { token: this.#token } }],
      contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'admin' } }],
      'current-context': 'bench',
    };
    writeFileSync(path, JSON.stringify(config));
    return path;
  }

  async namespace(name: string): Promise<void> {
    await this.#send('POST', '/api/v1/namespaces', { metadata: { name } });
  }

  async serviceAccount(namespace: string, name: string): Promise<void> {
    await this.#send('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
  }

  /** Makes them, each on its node as if it was scheduled there. @returns their UIDs, in order */
  async pods(pods: readonly Pod[]): Promise<string[]> {
    const uids: string[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let at = next++; at < pods.length; at = next++) {
        const { namespace, name, serviceAccount, node } = pods[at] as Pod;
        const spec = { nodeName: node, serviceAccountName: serviceAccount, containers: [{ name: 'c', image: 'none' }] };
        // Each worker makes one after the other.
        // oxlint-disable-next-line no-await-in-loop
        const made = await this.#send('POST', `/api/v1/namespaces/${namespace}/pods`, { metadata: { name }, spec });
        uids[at] = (made as { metadata: { uid: string } }).metadata.uid;
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, worker));
    return uids;
  }

  /** A token as the kubelet asks for it, bound to the pod. */
  async token({ namespace, name, serviceAccount }: Pod, uid: string, audience: string): Promise<string> {
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name, uid };
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
    const spec = { audiences: [audience], expirationSeconds: 43_200, boundObjectRef };
    const answer = (await this.#send('POST', path, { spec })) as { status: { token: string } };
    return answer.status.token;
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    // The API server first, which would go on asking for its store.
    for (const running of this.#running.toReversed()) await running.stop();
  }

  get #root(): string {
    return join(this.#folder, 'certs/apiserver.crt');
  }

  /** @throws Error for a status other than 2xx */
  #send(method: string, path: string, body?: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' };
      const options = { method, headers, agent: this.#agent, ca: readFileSync(this.#root) };
      const request = https.request(this.url + path, options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const { statusCode = 0 } = response;
          if (statusCode >= 300) reject(new Error(`${method} ${path}: ${statusCode} ${text.slice(0, 500)}`));
          else resolve(path === '/readyz' ? text : JSON.parse(text));
        });
      });
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

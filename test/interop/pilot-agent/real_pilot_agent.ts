import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run, tail, until, type Running } from '../../support/processes.ts';
import type { Pod } from '../../support/token.ts';
import { freePort } from '../support/ports.ts';
import type { Binary } from '../support/binaries.ts';
import type { Mesh } from '../ztunnel/mesh.ts';
import { readWritten, type Written } from './written.ts';

/** Where a pod has them, from pilot-agent's working folder: ConfigMap istio-ca-root-cert, projected token. */
export const ROOT_FILE = 'var/run/secrets/istio/root-cert.pem';
export const TOKEN_FILE = 'var/run/secrets/tokens/istio-token';
const OUTPUT = 'certs';
const LOG = 'log';
const LIMIT = 90_000;

export interface RealPilotAgentOptions {
  binary: Binary;
  mesh: Mesh;
  pod: Pod;
  /** Beside and over what the injection template sets. */
  env?: Readonly<Record<string, string>>;
  /** ProxyConfig, beside what it cannot do without. */
  proxyConfig?: Readonly<Record<string, unknown>>;
  /** In place of the files that a pod has. */
  files?: Readonly<Record<string, string>>;
  /** Beside those. */
  extraFiles?: Readonly<Record<string, string>>;
}

/**
 * The binary in a folder that looks like a sidecar's file system, in the environment that the injection template sets. It has no
 * Envoy (unless told) and no istiod: what it tries with that has no part in its certificates.
 */
export class RealPilotAgent {
  readonly folder = mkdtempSync(join(tmpdir(), 'ambient-ca-pilot-agent-'));
  #running: Running | undefined;

  static async start(options: RealPilotAgentOptions): Promise<RealPilotAgent> {
    const { binary, mesh, pod, env = {}, proxyConfig = {} } = options;
    const agent = new RealPilotAgent();
    agent.write(LOG, '');
    const files = options.files ?? { [ROOT_FILE]: mesh.rootPem, [TOKEN_FILE]: `${mesh.token(pod)}\n` };
    for (const [path, content] of Object.entries({ ...files, ...options.extraFiles })) agent.write(path, content);
    // A port of the discard protocol: nobody answers there, and istiod has no part in this.
    const proxy = { discoveryAddress: 'localhost:9', statusPort: await freePort(), ...proxyConfig };
    mkdirSync(join(agent.folder, OUTPUT));
    agent.#running = run(binary.path, ['proxy', 'sidecar', '--log_output_level=default:info'], {
      log: join(agent.folder, LOG),
      cwd: agent.folder,
      env: {
        PATH: process.env['PATH'],
        DISABLE_ENVOY: 'true',
        // The default is a path of the image; it writes no file for gRPC without one.
        GRPC_XDS_BOOTSTRAP: '',
        OUTPUT_CERTS: OUTPUT,
        PROXY_CONFIG: JSON.stringify(proxy),
        CA_ADDR: `localhost:${mesh.caPort}`,
        ISTIO_META_CLUSTER_ID: mesh.clusterId,
        TRUST_DOMAIN: mesh.trustDomain,
        POD_NAME: pod.name,
        POD_NAMESPACE: pod.namespace,
        SERVICE_ACCOUNT: pod.serviceAccount,
        INSTANCE_IP: '127.0.0.1',
        ...env,
      },
    });
    return agent;
  }

  /** Of both, where it started an Envoy. */
  get logFile(): string {
    return join(this.folder, LOG);
  }

  /** Into its folder, whether there was such a file or not. */
  write(path: string, content: string): void {
    const whole = join(this.folder, path);
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(whole, content);
  }

  get log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** What it has written out now, if that is of one reply. */
  get held(): Written | undefined {
    return readWritten(join(this.folder, OUTPUT));
  }

  /** Waits for a certificate that `wanted` holds of, by default any. @throws Error with the end of the log */
  async written(what = 'a certificate', wanted: (held: Written) => boolean = () => true): Promise<Written> {
    try {
      return await until(`pilot-agent writes ${what}`, LIMIT, () => {
        const { held } = this;
        return held !== undefined && wanted(held) && held;
      });
    } catch (error) {
      throw new Error(`pilot-agent's log ends:\n${tail(this.logFile)}`, { cause: error });
    }
  }

  renewed(before: Written): Promise<Written> {
    return this.written('a renewed certificate', ({ leaf }) => leaf.serialNumber !== before.leaf.serialNumber);
  }

  /** Waits until the log says so. */
  async said(text: string | RegExp): Promise<void> {
    try {
      await until(`pilot-agent says ${text}`, LIMIT, () => this.log.search(text) >= 0);
    } catch (error) {
      throw new Error(`pilot-agent's log ends:\n${tail(this.logFile)}`, { cause: error });
    }
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { run, tail, until, type Running } from '../../support/processes.ts';
import type { Binary } from './binaries.ts';
import { commonEnv, readDump, type DumpedCertificate, type Folder, type Mesh, type Workload } from './mesh.ts';
import { getThroughSocks } from './socks.ts';

const APP_PORT = 18_080;
const START_LIMIT = 30_000;

export function compileShim(folder: Folder): string {
  const out = join(folder.path, 'bindshim.so');
  const source = join(import.meta.dirname, 'bindshim.c');
  const built = spawnSync('cc', ['-shared', '-fPIC', '-Wall', '-Werror', '-o', out, source, '-ldl'], {
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`bindshim.c does not compile:\n${built.stderr}`);
  return out;
}

/** A ztunnel of one workload on an address of its own, with the workload's HTTP server beside it. No capability is needed. */
export class Dedicated {
  readonly workload: Workload;
  readonly #process: Running;
  readonly #app: http.Server;

  private constructor(workload: Workload, process: Running, app: http.Server) {
    this.workload = workload;
    this.#process = process;
    this.#app = app;
  }

  static async start(
    options: {
      binary: Binary;
      mesh: Mesh;
      workload: Workload;
      peers: readonly Workload[];
      secretTtl: string;
      shim: string;
    },
    folder: Folder,
  ): Promise<Dedicated> {
    const { binary, mesh, workload, peers, secretTtl, shim } = options;
    const app = http.createServer((_, response) => response.end(`I am ${workload.name}\n`));
    await new Promise<void>((resolve) => app.listen(APP_PORT, workload.address, resolve));
    const env = {
      ...commonEnv(mesh, folder, workload, peers, secretTtl),
      LD_PRELOAD: shim,
      BIND_ADDR: workload.address,
      PROXY_MODE: 'dedicated',
      PROXY_WORKLOAD_INFO: `${workload.namespace}/${workload.name}/${workload.serviceAccount}`,
      ENABLE_ORIG_SRC: 'false',
      UNSTABLE_ENABLE_SOCKS5: 'true',
    };
    const process = run(binary.path, [], { log: join(folder.path, `${workload.name}.log`), env });
    const started = new Dedicated(workload, process, app);
    try {
      await until(`readiness of ztunnel ${workload.name}`, START_LIMIT, () => started.#admin(15_021, '/healthz/ready'));
    } catch (error) {
      const log = tail(process.log);
      await started.stop();
      throw new Error(`ztunnel ${workload.name} is not ready:\n${log}`, { cause: error });
    }
    return started;
  }

  get log(): string {
    return tail(this.#process.log, 15);
  }

  /** Everything that it, and those that ran before it in its folder under its name, logged. */
  get wholeLog(): string {
    return readFileSync(this.#process.log, 'utf8');
  }

  async #admin(port: number, path: string): Promise<string | undefined> {
    try {
      const answer = await fetch(`http://${this.workload.address}:${port}${path}`);
      return answer.ok ? await answer.text() : undefined;
    } catch {
      return undefined;
    }
  }

  /** An HTTP request through this ztunnel to a peer: SOCKS5 here, HBONE between the two, mutual TLS with both certificates. */
  get(peer: Workload): Promise<string> {
    return getThroughSocks({
      proxy: this.workload.address,
      proxyPort: 15_080,
      target: peer.address,
      targetPort: APP_PORT,
    });
  }

  async certificates(): Promise<DumpedCertificate[]> {
    return readDump((await this.#admin(15_000, '/config_dump')) ?? '{"certificates":[]}');
  }

  async stop(): Promise<void> {
    await this.#process.stop(2_000);
    this.#app.closeAllConnections();
    await new Promise((resolve) => this.#app.close(resolve));
  }
}

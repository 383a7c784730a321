import net from 'node:net';
import http from 'node:http';
import { join } from 'node:path';
import { run, tail, until, type Running } from '../../support/processes.ts';
import type { Pod } from '../../support/token.ts';
import type { Binary } from './binaries.ts';
import { commonEnv, readDump, type DumpedCertificate, type Folder, type Mesh, type Workload } from './mesh.ts';

const AVAILABLE_LIMIT = 60_000;

export interface SharedOptions {
  binary: Binary;
  mesh: Mesh;
  /** ztunnel's own pod; its node is the node. */
  caller: Pod;
  workloads: readonly Workload[];
  secretTtl?: string;
}

/**
 * A ztunnel of a node. It needs a network namespace of its own (istio-contract §A8), from which this machine's loopback cannot be
 * reached; UNIX sockets can, so netns.ts relays the CA inwards and the admin port outwards.
 */
export class Shared {
  readonly #process: Running;
  readonly #relay: net.Server;
  readonly #admin: string;

  private constructor(process: Running, relay: net.Server, admin: string) {
    this.#process = process;
    this.#relay = relay;
    this.#admin = admin;
  }

  static async start(options: SharedOptions, folder: Folder): Promise<Shared> {
    const { binary, mesh, caller, workloads, secretTtl } = options;
    const socket = (name: string): string => join(folder.path, `${caller.name}-${name}.sock`);
    const [caSocket, adminSocket] = [socket('ca'), socket('admin')];
    const relay = net.createServer((inside) => {
      const outside = net.connect(mesh.caPort, '127.0.0.1');
      inside.pipe(outside).pipe(inside);
      for (const end of [inside, outside]) end.on('error', () => [inside, outside].forEach((each) => each.destroy()));
    });
    await new Promise<void>((resolve, reject) => relay.once('error', reject).listen(caSocket, resolve));
    const env = {
      ...commonEnv(mesh, folder, caller, workloads, secretTtl ?? '1h'),
      PROXY_MODE: 'shared',
      INPOD_UDS: socket('inpod'),
      POD_NAME: caller.name,
      POD_NAMESPACE: caller.namespace,
      SERVICE_ACCOUNT: caller.serviceAccount,
    };
    const inside = [
      process.execPath,
      join(import.meta.dirname, 'netns.ts'),
      caSocket,
      String(mesh.caPort),
      adminSocket,
      binary.path,
    ];
    const log = join(folder.path, `${caller.name}.log`);
    return new Shared(run('unshare', ['-rn', ...inside], { log, env }), relay, adminSocket);
  }

  get log(): string {
    return tail(this.#process.log, 15);
  }

  certificates(): Promise<DumpedCertificate[]> {
    return new Promise((resolve) => {
      const request = http.get(
        { socketPath: this.#admin, path: '/config_dump', headers: { host: 'localhost' } },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.once('end', () => resolve(readDump(Buffer.concat(chunks).toString('utf8'))));
        },
      );
      request.once('error', () => resolve([]));
    });
  }

  /** Waits until as many identities have a certificate. */
  async available(count: number): Promise<DumpedCertificate[]> {
    try {
      return await until(`${count} certificates`, AVAILABLE_LIMIT, async () => {
        const held = (await this.certificates()).filter((each) => each.state === 'Available');
        return held.length >= count && held;
      });
    } catch (error) {
      throw new Error(
        `${JSON.stringify((await this.certificates()).map((each) => [each.identity, each.state]))}\n${this.log}`,
        { cause: error },
      );
    }
  }

  async stop(): Promise<void> {
    await this.#process.stop(2_000);
    this.#relay.close();
  }
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../support/processes.ts';
import type { Binary } from '../support/binaries.ts';
import { bootstrap, type SanMatch, type Upstream } from './bootstrap.ts';
import { SecretFiles, type Material } from './secrets.ts';
import { Sidecar } from './sidecar.ts';

/** As in the tests with ztunnels, but another network of this process, so that the two do not meet. */
export const localAddress = (last: number): string => `127.${1 + (process.pid % 250)}.8.${last}`;

/** `--concurrency 1`: more workers show nothing more. Hot restart would share memory with another Envoy of this machine. */
const ENVOY_ARGS = ['--concurrency', '1', '--disable-hot-restart', '--log-level', 'warning'];

export interface EnvoyOptions {
  binary: Binary;
  name: string;
  address: string;
  material: Material;
  upstreams: readonly Upstream[];
  callers?: SanMatch;
}

/** An Envoy whose secrets are files. */
export class FileSidecar extends Sidecar {
  readonly #secrets: SecretFiles;

  constructor(name: string, address: string, log: string, secrets: SecretFiles) {
    super(name, address, log);
    this.#secrets = secrets;
  }

  replace(material: Material): void {
    this.#secrets.replace(material);
  }
}

/** What one test started, to be ended with it. */
export class EnvoyLab {
  readonly folder = mkdtempSync(join(tmpdir(), 'ambient-ca-envoy-'));
  readonly #stops: (() => Promise<void> | void)[] = [];

  /** With the least that a caller must be: of the trust domain. */
  async start(options: EnvoyOptions): Promise<FileSidecar> {
    const { binary, name, address, material, upstreams, callers = { prefix: 'spiffe://cluster.local/' } } = options;
    const secrets = new SecretFiles(join(this.folder, `${name}-secrets`), material);
    const config = join(this.folder, `${name}.json`);
    const log = join(this.folder, `${name}.log`);
    writeFileSync(config, JSON.stringify(bootstrap({ name, address, upstreams, callers, secrets })));
    writeFileSync(log, '');
    const running = run(binary.path, ['-c', config, ...ENVOY_ARGS], { log, env: { PATH: process.env['PATH'] } });
    this.onStop(() => running.stop());
    const sidecar = new FileSidecar(name, address, log, secrets);
    await sidecar.ready();
    return sidecar;
  }

  onStop(stop: () => Promise<void> | void): void {
    this.#stops.push(stop);
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).toReversed()) await stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

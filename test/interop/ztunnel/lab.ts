import { compileShim, Dedicated } from './dedicated.ts';
import { failed, reasons, type Answer } from './traffic.ts';
import { Folder, type Mesh, type Workload } from './mesh.ts';
import { Shared, type SharedOptions } from './shared.ts';
import type { Binary } from './binaries.ts';

/** What one test started, to be ended with it in the order opposite to that of its start. */
export class Lab {
  readonly folder = new Folder();
  readonly #stops: (() => Promise<void> | void)[] = [];
  readonly #dedicated: Dedicated[] = [];
  #shim: string | undefined;

  /** A ztunnel on a workload's address; `peers` are all workloads of the mesh. */
  async dedicated(
    binary: Binary,
    mesh: Mesh,
    workload: Workload,
    options: { peers: readonly Workload[]; secretTtl: string },
  ): Promise<Dedicated> {
    this.#shim ??= compileShim(this.folder);
    const started = await Dedicated.start({ binary, mesh, workload, shim: this.#shim, ...options }, this.folder);
    this.#dedicated.push(started);
    this.onStop(() => started.stop());
    return started;
  }

  async shared(options: SharedOptions): Promise<Shared> {
    const started = await Shared.start(options, this.folder);
    this.onStop(() => started.stop());
    return started;
  }

  onStop(stop: () => Promise<void> | void): void {
    this.#stops.push(stop);
  }

  /** The failed ones of `answers`, having printed why. */
  failures(answers: readonly Answer[]): Answer[] {
    const all = failed(answers);
    if (all.length > 0)
      console.log([...all.map((one) => JSON.stringify(one)), ...reasons(...this.#dedicated)].join('\n'));
    return all;
  }

  async stop(): Promise<void> {
    // A stop may be repeated: a test that replaces a ztunnel stops it itself.
    for (const stop of this.#stops.splice(0).toReversed()) await stop();
    this.folder.remove();
  }
}

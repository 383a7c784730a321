import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noCounts, type Counts, type Finding } from './fuzzer.ts';
import type { TargetName } from './target.ts';

export interface Totals {
  runs: number;
  targets: Partial<Record<TargetName, Counts & { findings: number }>>;
}

/** What outlives a run: the corpus of each target, the findings, and the sums over all runs. Any file may be deleted. */
export class Store {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  corpus(target: TargetName): Uint8Array[] {
    const folder = join(this.#folder, target);
    return existsSync(folder) ? readdirSync(folder).map((file) => readFileSync(join(folder, file))) : [];
  }

  addToCorpus(target: TargetName, inputs: readonly Uint8Array[]): void {
    for (const input of inputs) this.#write(target, digest(input), input);
  }

  /** @returns the file to repeat it with */
  addFinding(target: TargetName, { input, what }: Finding): string {
    const name = `${target}-${digest(input)}`;
    this.#write('findings', `${name}.txt`, Buffer.from(`${what}\n`));
    return this.#write('findings', name, input);
  }

  totals(): Totals {
    const path = join(this.#folder, 'totals.json');
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Totals) : { runs: 0, targets: {} };
  }

  /** Adds a run to the sums. */
  add(counts: ReadonlyMap<TargetName, Counts & { findings: number }>): Totals {
    const totals = this.totals();
    totals.runs++;
    for (const [target, added] of counts) {
      const sum = (totals.targets[target] ??= { ...noCounts(), findings: 0 });
      for (const key of Object.keys(added) as (keyof typeof added)[]) sum[key] += added[key];
    }
    this.#write('', 'totals.json', Buffer.from(`${JSON.stringify(totals, null, 2)}\n`));
    return totals;
  }

  #write(folder: string, name: string, content: Uint8Array): string {
    mkdirSync(join(this.#folder, folder), { recursive: true });
    const path = join(this.#folder, folder, name);
    writeFileSync(path, content);
    return path;
  }
}

const digest = (input: Uint8Array): string => createHash('sha256').update(input).digest('hex').slice(0, 16);

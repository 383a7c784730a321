// npm run fuzz [-- --minutes N] [--seed S] [--only TARGET] [--repro FILE]: our parsers under mutated inputs, held to other readers.
// Corpus, findings and sums are kept in .fuzz, so that runs add up; a run without --seed goes on where the last one stopped.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Fuzzer, type Counts } from './fuzzer.ts';
import { Random } from './random.ts';
import { Store } from './store.ts';
import { TARGETS } from './targets.ts';
import type { Target } from './target.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    only: { type: 'string' },
    repro: { type: 'string' },
  },
});
/** Executions between two looks at the clock. */
const SLICE = 2_000;
const SLICE_MS = 500;
const ROOT = join(import.meta.dirname, '../..');

// A refusal is an exception, and nobody reads its stack here.
Error.stackTraceLimit = 0;

function chosen(): readonly Target[] {
  if (values.only === undefined) return TARGETS;
  const found = TARGETS.filter(({ name }) => name === values.only);
  if (found.length > 0) return found;
  throw new Error(`--only ${values.only}: expected one of ${TARGETS.map(({ name }) => name).join(', ')}`);
}

function numberOf(name: 'minutes' | 'seed', text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number) || number < 0)
    throw new Error(`--${name} ${text}: expected a number that is not negative`);
  return number;
}

function repeat(file: string): void {
  Error.stackTraceLimit = 20;
  const target = TARGETS.find(({ name }) => basename(file).startsWith(`${name}-`));
  if (target === undefined) throw new Error(`--repro ${file}: expected a file named after its target, such as csr-…`);
  const fuzzer = new Fuzzer(target, new Random(1));
  const before = fuzzer.counts.accepted;
  for (let time = 0; time < 64 && fuzzer.findings.length === 0; time++) fuzzer.run(readFileSync(file));
  for (const { what } of fuzzer.findings.slice(0, 1)) console.log(what);
  if (fuzzer.findings.length > 0) process.exitCode = 1;
  else console.log(fuzzer.counts.accepted > before ? 'accepted, and by the others, too' : 'refused');
}

function fuzz(): void {
  const store = new Store(join(ROOT, '.fuzz'));
  const seed = values.seed === undefined ? store.totals().runs + 1 : numberOf('seed', values.seed);
  const end = performance.now() + numberOf('minutes', values.minutes) * 60_000;
  const fuzzers = chosen().map((target, index) => ({
    name: target.name,
    fuzzer: new Fuzzer(target, new Random(seed * 64 + index), store.corpus(target.name)),
    ms: 0,
  }));
  console.log(`seed ${seed}, ${values.minutes} minutes: ${fuzzers.map(({ name }) => name).join(', ')}`);
  do {
    for (const each of fuzzers) {
      const began = performance.now();
      do each.fuzzer.go(SLICE);
      while (performance.now() - began < SLICE_MS);
      each.ms += performance.now() - began;
    }
  } while (performance.now() < end);

  for (const { name, fuzzer } of fuzzers) store.addToCorpus(name, fuzzer.fresh);
  const totals = store.add(
    new Map(fuzzers.map(({ name, fuzzer }) => [name, { ...fuzzer.counts, findings: fuzzer.findings.length }])),
  );
  console.table(
    Object.fromEntries(
      fuzzers.map(({ name, fuzzer, ms }) => [
        name,
        {
          ...row(fuzzer.counts),
          'per second': Math.round((fuzzer.counts.executions / ms) * 1_000),
          corpus: fuzzer.corpusSize,
          new: fuzzer.fresh.length,
          findings: fuzzer.findings.length,
        },
      ]),
    ),
  );
  console.log(`all ${totals.runs} runs that .fuzz knows of:`);
  console.table(
    Object.fromEntries(
      Object.entries(totals.targets).map(([name, counts]) => [name, { ...row(counts), findings: counts.findings }]),
    ),
  );
  for (const { name, fuzzer } of fuzzers) {
    for (const finding of new Map(fuzzer.findings.map((each) => [each.what, each])).values()) {
      const file = store.addFinding(name, finding);
      console.log(`${name}: ${finding.what}\n  npm run fuzz -- --repro ${file}`);
      process.exitCode = 1;
    }
  }
}

const row = (counts: Counts): Record<string, number | string> => ({
  executions: counts.executions,
  accepted: counts.accepted,
  differential: counts.differential,
  'refused, asked': counts.refusedAsked,
  'of these others accept': counts.stricter,
});

try {
  if (values.repro === undefined) fuzz();
  else repeat(values.repro);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

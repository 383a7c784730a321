import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a run is compared by: ratios within the run, each the better the lower, so that another machine can be compared, too. */
export type Ratios = Readonly<Record<string, number>>;

interface Baseline {
  /** ISO 8601 date and the commit it was measured on. */
  measured: string;
  ratios: Ratios;
}

const FILE = join(import.meta.dirname, 'baseline.json');
/** What neighbours on a shared machine cost within one run, and no more. */
const ALLOWANCE = 0.15;

export function readBaseline(path = FILE): Baseline {
  return JSON.parse(readFileSync(path, 'utf8')) as Baseline;
}

export function saveBaseline(measured: string, ratios: Ratios, path = FILE): void {
  const rounded = Object.fromEntries(
    Object.entries(ratios).map(([name, value]) => [name, Number(value.toPrecision(3))]),
  );
  writeFileSync(path, `${JSON.stringify({ measured, ratios: rounded }, null, 2)}\n`);
}

/** A line for each ratio that got worse by more than 15 %. One that this run did not measure is passed over. */
export function regressions(baseline: Ratios, ratios: Ratios): string[] {
  return Object.entries(baseline).flatMap(([name, before]) => {
    const now = ratios[name];
    if (now === undefined || now <= before * (1 + ALLOWANCE)) return [];
    return [`${name}: ${now.toFixed(2)}, the baseline is ${before.toFixed(2)}: ${percent(now / before - 1)} worse`];
  });
}

/** Ratios of the baseline that this run has no value for, such as those to an anchor that could not be had. */
export function unmeasured(baseline: Ratios, ratios: Ratios): string[] {
  return Object.keys(baseline).filter((name) => ratios[name] === undefined);
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;

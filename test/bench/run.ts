// npm run bench [-- --quick] [--rounds N] [--json FILE] [--profile] [--million] [--write-docs] [--save-baseline]:
// measures the whole path, agent and CA as `npm start` brings them up, against its floors and anchors in the same run.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Dev } from '../support/dev.ts';
import { startAnchor, type Anchor } from './anchor.ts';
import { readBaseline, regressions, saveBaseline, unmeasured } from './baseline.ts';
import { ratiosOf } from './figures.ts';
import { judge } from './goals.ts';
import { startIstiod } from './istiod.ts';
import { machine } from './machine.ts';
import { benchNodes } from './material.ts';
import { measure } from './measure.ts';
import { startNoop } from './noop.ts';
import { benchmarksPage } from './page.ts';
import { printCosts, printGoals, printRatios, printRows } from './report.ts';
import { whereTimeGoes } from './where_time_goes.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    json: { type: 'string' },
    profile: { type: 'boolean', default: false },
    million: { type: 'boolean', default: false },
    'write-docs': { type: 'boolean', default: false },
    'save-baseline': { type: 'boolean', default: false },
  },
});
const ROOT = join(import.meta.dirname, '../..');
const FULL = { single: 500, steadyMs: 4_000, series: 9, storm: 100 };
const QUICK = { single: 200, steadyMs: 2_000, series: 5, storm: 100 };
const say = (line: string): void => console.log(line);

const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
const here = machine();
say(`${here.cores} cores (${here.processor}), Node ${process.version}; starting agent and CA`);
const nodes = benchNodes(100, 100);
const dev = await Dev.start({ pods: nodes.flatMap(({ ztunnel, pods }) => [ztunnel, ...pods]) });
const noop = await startNoop();
const anchors: Anchor[] = [];
try {
  for (const start of [() => startAnchor(dev), () => startIstiod(dev.folder, nodes)]) {
    const anchor = await start();
    if (typeof anchor === 'string') say(anchor);
    else anchors.push(anchor);
  }
  const figures = await measure(
    { dev, nodes, noop, anchors, say },
    { scale: values.quick ? QUICK : FULL, rounds, million: values.million },
  );
  const costs = values.profile || values['write-docs'] ? await whereTimeGoes(dev, nodes, ROOT) : null;
  const goals = judge(figures);
  const ratios = ratiosOf(figures);
  say(`\n${printRows(Object.values(figures.ours), figures.floors)}`);
  for (const { name, rows } of figures.anchors) say(`\n${name}\n${printRows(Object.values(rows), figures.floors)}`);
  say(`\n${printGoals(goals)}\n\n${printRatios(ratios)}`);
  if (costs !== null) say(`\n${printCosts('agent', costs.agent)}\n\n${printCosts('CA', costs.ca)}`);

  const page = { machine: here, rounds, figures, goals, ratios, costs };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(page, null, 2)}\n`);
  if (values['write-docs']) {
    const path = join(ROOT, 'docs/BENCHMARKS.md');
    writeFileSync(path, benchmarksPage(page));
    execFileSync(process.execPath, [join(ROOT, 'node_modules/prettier/bin/prettier.cjs'), '--write', path], {
      stdio: 'ignore',
    });
  }
  if (values['save-baseline']) saveBaseline(`${here.date}, commit ${here.commit}`, ratios);
  else {
    const { measured, ratios: before } = readBaseline();
    const worse = regressions(before, ratios);
    const missing = unmeasured(before, ratios);
    if (missing.length > 0) say(`\nnot compared, for want of a figure: ${missing.join('; ')}`);
    say(
      worse.length === 0
        ? `\nno ratio is worse than the baseline (${measured}) by more than 15 %`
        : `\n${worse.join('\n')}`,
    );
    if (worse.length > 0) process.exitCode = 1;
  }
} finally {
  for (const anchor of anchors) await anchor.stop();
  noop.stop();
  await dev.stop();
}

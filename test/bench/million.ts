import type { Dev } from '../support/dev.ts';
import { CASES, type BenchCaller } from './cases.ts';
import type { Figures } from './figures.ts';
import type { Target } from './h2_connection.ts';
import { residentMiB, slope } from './memory.ts';

const CERTIFICATES = 1_000_000;
const STEP_MS = 15_000;
/** Certificates after which code is compiled and caches are as full as they get. */
const SETTLED = 100_000;

/** What agent and CA grow by over a million certificates, MiB: the slope once they have settled, times a million. */
export async function measureMillion(
  dev: Dev,
  target: Target,
  callers: readonly BenchCaller[],
  say: (line: string) => void,
): Promise<NonNullable<Figures['million']>> {
  const steady = CASES.find(({ key }) => key === 'steady');
  if (steady === undefined) throw new Error('no steady case');
  const points: { certificates: number; agent: number; ca: number }[] = [];
  let certificates = 0;
  let errors = 0;
  while (certificates < CERTIFICATES) {
    const result = await steady.run(target, callers, { single: 0, steadyMs: STEP_MS, series: 0, storm: 0 });
    certificates += result.latencies.length;
    errors += result.errors;
    const [agent, ca] = [residentMiB(dev.info.agent.pid).now, residentMiB(dev.info.ca.pid).now];
    points.push({ certificates, agent, ca });
    say(`${certificates} certificates, ${errors} errors: agent ${agent.toFixed(0)} MiB, CA ${ca.toFixed(0)} MiB`);
  }
  const settled = points.filter((point) => point.certificates >= SETTLED);
  const growth = (of: 'agent' | 'ca'): number =>
    (slope(settled.map((point) => ({ certificates: point.certificates, miB: point[of] }))) * CERTIFICATES) / 1000;
  return { certificates, agentGrowthMiB: growth('agent'), caGrowthMiB: growth('ca') };
}

import type { Command } from 'commander';
import type { AdminApi } from '../ca/api.ts';
import { addConnectionOptions, connect, type ConnectionOptions } from '../ca/connection.ts';
import type { Cluster, Root } from '../ca/types.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { addOutputOption, emit, type OutputOptions } from '../output/format.ts';
import { table } from '../output/table.ts';
import { shortDuration } from '../output/time.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do; absent where nothing is wrong. */
  readonly next?: string;
}

const DAY = 86_400_000;
/** A minute costs nothing; from five on agents do not believe the CA, nor it them. */
const CLOCK_WARN_MS = 60_000;
const CLOCK_FAIL_MS = 300_000;
/** A rotation takes as long as the longest certificate lives, and people. */
const ROOT_WARN_MS = 365 * DAY;
const ROOT_FAIL_MS = 30 * DAY;
const ROUND_TRIPS = 3;
/** What a node asks for when it starts, one after the other. */
const COLD_START = 30;

export function addDoctorCommand(program: Command, io: Io): void {
  const command = program
    .command('doctor')
    .description('look at a CA from here: health, clock, round trips, roots, clusters; exit 7 where something fails');
  addOutputOption(addConnectionOptions(command)).action(async (options: ConnectionOptions & OutputOptions) => {
    const { api } = connect(io, options);
    const findings = await examine(api, io);
    emit(io, options, findings, () =>
      table(
        ['check', '', 'found', 'next'],
        findings.map(({ check, state, found, next = '' }) => [check, state, found, next]),
      ),
    );
    const failed = findings.filter(({ state }) => state === 'fail');
    if (failed.length === 0) return;
    throw new CliError('unverified', `${failed.length} of ${findings.length} checks failed: ${failed[0]?.check}`, {
      next: failed[0]?.next ?? 'see above',
    });
  });
}

async function examine(api: AdminApi, io: Io): Promise<Finding[]> {
  const { health, date, at } = await api.health(io.now);
  const findings = [healthOf(health), clockOf(date, at)];
  if (findings[0]?.state === 'fail') return findings;
  findings.push(await roundTrip(api, io));
  for (const { name } of await api.listTrustDomains()) {
    // One after the other, so that each round trip is its own.
    // oxlint-disable-next-line no-await-in-loop
    findings.push(...rootsOf(name, await api.listRoots(name), io.now()));
    // oxlint-disable-next-line no-await-in-loop
    for (const cluster of await api.listClusters(name)) findings.push(...(await clusterOf(api, name, cluster)));
  }
  return findings;
}

function healthOf({ status, code, reason, bootstrapped }: Awaited<ReturnType<AdminApi['health']>>['health']): Finding {
  const check = 'health';
  if (status !== 'ok')
    return { check, state: 'fail', found: `${code}: ${reason}`, next: 'GET /healthz names the setting' };
  return bootstrapped
    ? { check, state: 'ok', found: 'it can serve' }
    : { check, state: 'warn', found: 'it has no administrator yet', next: 'ambient-ca bootstrap' };
}

/** @param date of the answer, ms since 1970; @param at the middle of its round trip by our clock */
function clockOf(date: number | null, at: number): Finding {
  const check = 'clock';
  if (date === null)
    return { check, state: 'warn', found: 'its answers have no Date', next: 'look for a proxy on the way' };
  const ahead = at - date;
  const how = `ours is ${shortDuration(Math.abs(ahead) / 1000)} ${ahead < 0 ? 'behind' : 'ahead of'} that of the CA`;
  if (Math.abs(ahead) < CLOCK_WARN_MS) return { check, state: 'ok', found: 'agrees with that of the CA' };
  const state = Math.abs(ahead) < CLOCK_FAIL_MS ? 'warn' : 'fail';
  return { check, state, found: how, next: 'set the one that is wrong, or repair its time service' };
}

async function roundTrip(api: AdminApi, io: Io): Promise<Finding> {
  const took: number[] = [];
  for (let n = 0; n < ROUND_TRIPS; n++) {
    // oxlint-disable-next-line no-await-in-loop
    took.push(await timed(() => api.health(io.now)));
  }
  return { check: 'round trip', state: 'ok', found: `${Math.min(...took).toFixed(0)} ms to the Worker` };
}

function rootsOf(trustDomain: string, roots: readonly Root[], now: number): Finding[] {
  const check = `${trustDomain}: root`;
  const active = roots.find(({ state }) => state === 'active');
  if (active === undefined) {
    return [
      { check, state: 'fail', found: 'none signs', next: `ambient-ca root create --trust-domain ${trustDomain}` },
    ];
  }
  const left = active.notAfter - now;
  const state = left < ROOT_FAIL_MS ? 'fail' : left < ROOT_WARN_MS ? 'warn' : 'ok';
  const found = left <= 0 ? `${active.id} has expired` : `${active.id} ends in ${shortDuration(left / 1000)}`;
  return [{ check, state, found, ...(state === 'ok' ? {} : { next: 'make another and let it take over in time' }) }];
}

/** The first read may have to wake the cluster's object, the second finds it awake. */
async function clusterOf(api: AdminApi, trustDomain: string, cluster: Cluster): Promise<Finding[]> {
  const { name, enabled, epoch, acknowledgedEpoch } = cluster;
  const check = `${trustDomain}: cluster ${name}`;
  const show = `ambient-ca cluster show ${name} --trust-domain ${trustDomain}`;
  if (acknowledgedEpoch !== epoch) {
    return [{ check, state: 'fail', found: 'its signer has not acknowledged the configuration', next: show }];
  }
  if (!enabled) return [{ check, state: 'warn', found: 'is disabled: nothing is issued', next: show }];
  const first = await timed(() => api.counts(trustDomain, name));
  const again = await timed(() => api.counts(trustDomain, name));
  const { issuedLastDay } = await api.counts(trustDomain, name);
  const trips = `${first.toFixed(0)} ms to its signer, then ${again.toFixed(0)} ms`;
  const start = `a node that starts ${COLD_START} pods waits about ${((COLD_START * again) / 1000).toFixed(1)} s for the way`;
  const issued: Finding =
    issuedLastDay > 0
      ? { check: `${check}, issued`, state: 'ok', found: `${issuedLastDay} in the last day` }
      : {
          check: `${check}, issued`,
          state: 'warn',
          found: 'nothing in the last day',
          next: 'look at the log of its agent',
        };
  return [{ check, state: 'ok', found: `${trips}; ${start}` }, issued];
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await call();
  return performance.now() - began;
}

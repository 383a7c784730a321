import { afterEach, describe, expect, test } from 'vitest';
import type { Finding } from '../../../cli/src/commands/doctor.ts';
import { EXIT } from '../../../cli/src/errors.ts';
import { FakeCa } from '../fake_ca.ts';
import { NOW, run, temporaryFile } from '../run.ts';

let ca: FakeCa | undefined;
afterEach(async () => {
  await ca?.stop();
});

const DAY = 86_400_000;
const healthy = { status: 'ok', code: null, reason: null, bootstrapped: true, instanceId: 'i', faults: [] };
const root = {
  id: 'r-1',
  name: 'first',
  keyType: 'ec-p256',
  state: 'active',
  fingerprint: 'ff',
  notAfter: NOW + 3000 * DAY,
};
const cluster = {
  name: 'prod',
  clusterId: 'Kubernetes',
  enabled: true,
  epoch: 7,
  acknowledgedEpoch: 7,
  keySets: [],
  namespaces: [],
};
const counts = { current: 3, atLeast: false, issuedLastHour: 1, issuedLastDay: 9, live: [] };
const domain = '/v1/trust-domains/cluster.local';

/** A healthy CA but for what is changed, whose clock is that of the test. */
async function doctor(change: Record<string, { status?: number; json?: unknown; date?: number | null }> = {}) {
  const all = {
    'GET /healthz': { json: healthy },
    'GET /v1/trust-domains': { json: { rows: [{ name: 'cluster.local' }] } },
    [`GET ${domain}/roots`]: { json: { rows: [root] } },
    [`GET ${domain}/clusters`]: { json: { rows: [cluster] } },
    [`GET ${domain}/clusters/prod/certificates/counts`]: { json: counts },
    ...change,
  };
  ca = await FakeCa.start(
    Object.fromEntries(Object.entries(all).map(([route, answer]) => [route, { date: NOW, ...answer }])),
  );
  const { code, out, err } = await run([
    'doctor',
    '-o',
    'json',
    '--ca',
    ca.url,
    '--token-file',
    temporaryFile('token', 'ambient-ca-token\n'),
  ]);
  return { code, err, findings: out === '' ? [] : (JSON.parse(out) as Finding[]) };
}

const wrong = ({ findings }: Awaited<ReturnType<typeof doctor>>) => findings.filter(({ state }) => state !== 'ok');

describe('ambient-ca doctor', () => {
  test('finds nothing wrong with what is in order, and says how far it is', async () => {
    const result = await doctor();
    expect([result.code, wrong(result)]).toEqual([EXIT.ok, []]);
    expect(result.findings.map(({ check }) => check)).toEqual([
      'health',
      'clock',
      'round trip',
      'cluster.local: root',
      'cluster.local: cluster prod',
      'cluster.local: cluster prod, issued',
    ]);
    expect(result.findings[4]?.found).toMatch(
      /^\d+ ms to its signer, then \d+ ms; a node that starts 30 pods waits about \d+\.\d s/,
    );
  });

  test.each<[string, Parameters<typeof doctor>[0], Partial<Finding>, number]>([
    [
      'a missing KEK',
      {
        'GET /healthz': {
          status: 503,
          json: { ...healthy, status: 'unavailable', code: 'kek-missing', reason: 'no key' },
        },
      },
      { check: 'health', state: 'fail', found: 'kek-missing: no key' },
      EXIT.unverified,
    ],
    [
      'nobody who administers',
      { 'GET /healthz': { json: { ...healthy, bootstrapped: false } } },
      { check: 'health', state: 'warn', next: 'ambient-ca bootstrap' },
      EXIT.ok,
    ],
    [
      'a clock two hours ahead',
      { 'GET /healthz': { json: healthy, date: NOW - 7_200_000 } },
      { check: 'clock', state: 'fail', found: 'ours is 2h ahead of that of the CA' },
      EXIT.unverified,
    ],
    [
      'a clock two minutes behind',
      { 'GET /healthz': { json: healthy, date: NOW + 120_000 } },
      { check: 'clock', state: 'warn', found: 'ours is 2m behind that of the CA' },
      EXIT.ok,
    ],
    [
      'answers without a Date',
      { 'GET /healthz': { json: healthy, date: null } },
      { check: 'clock', state: 'warn', found: 'its answers have no Date' },
      EXIT.ok,
    ],
    [
      'no root',
      { [`GET ${domain}/roots`]: { json: { rows: [] } } },
      { check: 'cluster.local: root', state: 'fail', next: 'ambient-ca root create --trust-domain cluster.local' },
      EXIT.unverified,
    ],
    [
      'a root that ends in a week',
      { [`GET ${domain}/roots`]: { json: { rows: [{ ...root, notAfter: NOW + 7 * DAY }] } } },
      { state: 'fail', found: 'r-1 ends in 7d' },
      EXIT.unverified,
    ],
    [
      'a root that ends in half a year',
      { [`GET ${domain}/roots`]: { json: { rows: [{ ...root, notAfter: NOW + 180 * DAY }] } } },
      { state: 'warn', found: 'r-1 ends in 180d' },
      EXIT.ok,
    ],
    [
      'a configuration that is not in force',
      { [`GET ${domain}/clusters`]: { json: { rows: [{ ...cluster, acknowledgedEpoch: 6 }] } } },
      { check: 'cluster.local: cluster prod', state: 'fail' },
      EXIT.unverified,
    ],
    [
      'a disabled cluster',
      { [`GET ${domain}/clusters`]: { json: { rows: [{ ...cluster, enabled: false }] } } },
      { state: 'warn', found: 'is disabled: nothing is issued' },
      EXIT.ok,
    ],
    [
      'a cluster that gets nothing',
      { [`GET ${domain}/clusters/prod/certificates/counts`]: { json: { ...counts, issuedLastDay: 0 } } },
      { state: 'warn', found: 'nothing in the last day' },
      EXIT.ok,
    ],
  ])('finds %s, and what to do', async (_what, change, expected, exit) => {
    const result = await doctor(change);
    expect(wrong(result)).toEqual([expect.objectContaining({ ...expected, next: expect.any(String) as string })]);
    expect(result.code).toBe(exit);
    if (exit !== EXIT.ok) expect(result.err).toContain(wrong(result)[0]?.next);
  });

  test('of a CA that is not there says so', async () => {
    const { code, err } = await run([
      'doctor',
      '--ca',
      'http://127.0.0.1:1',
      '--token-file',
      temporaryFile('token', 'x\n'),
    ]);
    expect([code, err]).toEqual([EXIT.unavailable, expect.stringContaining('cannot reach')]);
  });
});

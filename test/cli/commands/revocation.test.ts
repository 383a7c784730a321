import { afterEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../../cli/src/errors.ts';
import { FakeCa, problem } from '../fake_ca.ts';
import { run, temporaryFile } from '../run.ts';

let ca: FakeCa | undefined;
afterEach(async () => {
  await ca?.stop();
});

const PATH = '/v1/trust-domains/cluster.local/clusters/prod/revocations';
const made = { kind: 'certificate', subject: 'ab'.repeat(16), reason: 'stolen', at: 1_795_564_000_000, by: 'ops' };

async function cert(...args: string[]) {
  ca = await FakeCa.start({
    'GET /v1/trust-domains': { json: { rows: [{ name: 'cluster.local' }] } },
    'GET /v1/trust-domains/cluster.local/clusters': { json: { rows: [{ name: 'prod' }] } },
    [`GET ${PATH}`]: { json: { rows: [made] } },
    [`POST ${PATH}`]: { status: 201, json: made },
    [`POST ${PATH}/lift`]: problem(404, 'not-found', 'no node node-a is revoked', {
      fix: 'ambient-ca cert revocations',
    }),
  });
  return run(['cert', ...args, '--ca', ca.url, '--token-file', temporaryFile('token', 'ambient-ca-token\n')]);
}
const sent = () => ca?.seen.findLast(({ method }) => method === 'POST');

describe('ambient-ca cert revoke', () => {
  test.each([
    [['--serial', Array.from({ length: 16 }, () => 'AB').join(':')], { kind: 'certificate', subject: 'ab'.repeat(16) }],
    [['--identity', 'bookinfo/web'], { kind: 'identity', subject: 'spiffe://cluster.local/ns/bookinfo/sa/web' }],
    [
      ['--identity', 'spiffe://cluster.local/ns/a/sa/b'],
      { kind: 'identity', subject: 'spiffe://cluster.local/ns/a/sa/b' },
    ],
    [['--node', 'node-a'], { kind: 'node', subject: 'node-a' }],
  ])('with %j asks for exactly that', async (args, mark) => {
    const { code, out } = await cert('revoke', '--cluster', 'prod', '--reason', 'stolen', ...args);
    expect(code).toBe(EXIT.ok);
    expect(sent()).toMatchObject({ path: PATH, body: { ...mark, reason: 'stolen' } });
    expect(out).toContain('renewals are refused since 2026-');
  });

  test.each([[[]], [['--node', 'a', '--identity', 'b/c']]])(
    'with %j asks for one, and nothing is sent',
    async (args) => {
      const { code, err } = await cert('revoke', '--cluster', 'prod', '--reason', 'stolen', ...args);
      expect(code).toBe(EXIT.usage);
      expect(err).toContain('not exactly one of --serial, --identity, --node');
      expect(ca?.seen).toEqual([]);
    },
  );

  test('needs a reason', async () => {
    const { code, err } = await cert('revoke', '--cluster', 'prod', '--node', 'a');
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining('--reason')]);
  });
});

describe('ambient-ca cert unrevoke and revocations', () => {
  test('what is not revoked says so, and which command tells', async () => {
    const { code, err } = await cert('unrevoke', '--cluster', 'prod', '--node', 'node-a');
    expect(code).toBe(EXIT.notFound);
    expect(err).toContain('no node node-a is revoked');
  });

  test('the list has since when, by whom and why', async () => {
    const { code, out } = await cert('revocations', '--cluster', 'prod');
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(/certificate +(ab){16} +2026-\S+ +ops +stolen/);
  });

  test('a misspelt cluster offers the near one', async () => {
    const { code, err } = await cert('revocations', '--cluster', 'prd');
    expect([code, err]).toEqual([EXIT.notFound, expect.stringContaining('did you mean prod?')]);
  });
});

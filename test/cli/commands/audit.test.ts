import { afterEach, describe, expect, test } from 'vitest';
import { auditHash, GENESIS } from '../../../ca-service/src/client/audit_chain.ts';
import type { AuditEntry } from '../../../cli/src/ca/types.ts';
import { EXIT } from '../../../cli/src/errors.ts';
import { FakeCa, problem } from '../fake_ca.ts';
import { run, temporaryFile } from '../run.ts';

let ca: FakeCa | undefined;
afterEach(async () => {
  await ca?.stop();
});

function chainOf(...actions: string[]): AuditEntry[] {
  let { hash } = GENESIS;
  return actions.map((action, at) => {
    const actor = { id: 't-1', name: 'ops', role: 'admin' } as const;
    const facts = {
      id: at + 1,
      at: 1_795_564_000_000 + at,
      actor,
      action,
      subject: 's',
      outcome: 'done',
      detail: { n: at },
    } as const;
    hash = auditHash(hash, facts);
    return { ...facts, hash };
  });
}

const DEPLOYMENT = chainOf('deployment.bootstrap', 'trust-domain.create', 'token.create');
const DOMAIN = chainOf('root.create', 'cluster.enrol');
const headOf = (log: string, chain: readonly AuditEntry[]): string => `${log}=${chain.length}:${chain.at(-1)?.hash}`;

/** A CA with these two audits, the second in pages of one. */
async function withAudits(deployment: readonly AuditEntry[] | 'denied', domain: readonly AuditEntry[]): Promise<void> {
  const denied = problem(403, 'forbidden', 'this needs the role admin, for all trust domains');
  const ofDeployment = deployment === 'denied' ? denied : { json: { rows: deployment, next: null } };
  const pages = Object.fromEntries(
    domain.map((entry, at): [string, object] => {
      const cursor = at === 0 ? '' : `&cursor=c${at}`;
      const next = at === domain.length - 1 ? null : `c${at + 1}`;
      return [`GET /v1/trust-domains/cluster.local/audit?limit=500${cursor}`, { json: { rows: [entry], next } }];
    }),
  );
  ca = await FakeCa.start({
    'GET /v1/trust-domains': { json: { rows: [{ name: 'cluster.local' }] } },
    'GET /v1/audit?limit=1': ofDeployment,
    'GET /v1/audit?limit=500': ofDeployment,
    'GET /v1/audit?limit=50': { json: { rows: deployment === 'denied' ? [] : deployment, next: 'more' } },
    ...pages,
  });
}

const audit = (...args: string[]) =>
  run(['audit', ...args, '--ca', ca?.url ?? '', '--token-file', temporaryFile('token', 'ambient-ca-token\n')]);

describe('ambient-ca audit verify', () => {
  test('reads every audit to its end and prints the heads', async () => {
    await withAudits(DEPLOYMENT, DOMAIN);
    const { code, out } = await audit('verify');
    expect(code).toBe(EXIT.ok);
    expect(out).toContain(headOf('deployment', DEPLOYMENT));
    expect(out).toContain(headOf('cluster.local', DOMAIN));
    const json = await audit('verify', '--output', 'json');
    expect(JSON.parse(json.out)).toEqual([
      { log: 'deployment', id: 3, hash: DEPLOYMENT[2]?.hash },
      { log: 'cluster.local', id: 2, hash: DOMAIN[1]?.hash },
    ]);
  });

  test('with a token for a trust domain reads what it may', async () => {
    await withAudits('denied', DOMAIN);
    const { code, out } = await audit('verify');
    expect(code).toBe(EXIT.ok);
    expect(out).not.toContain('deployment');
    expect(out).toContain(headOf('cluster.local', DOMAIN));
  });

  test.each<[string, readonly AuditEntry[], string]>([
    ['a changed entry', DOMAIN.with(0, { ...(DOMAIN[0] as AuditEntry), subject: 'another' }), 'the hash of entry 1'],
    ['a removed entry', DOMAIN.slice(1), 'entries are missing'],
  ])('with %s exits 7 and names it', async (_what, domain, said) => {
    await withAudits(DEPLOYMENT, domain);
    const { code, err } = await audit('verify');
    expect(code).toBe(EXIT.unverified);
    expect(err).toContain(`the audit of cluster.local is broken`);
    expect(err).toContain(said);
  });

  test('with a head that was noted before tells a chain that was cut or written anew', async () => {
    await withAudits(DEPLOYMENT, DOMAIN);
    const old = headOf('deployment', DEPLOYMENT.slice(0, 2));
    expect((await audit('verify', '--expect', old, '--expect', headOf('cluster.local', DOMAIN))).code).toBe(EXIT.ok);
    await ca?.stop();
    await withAudits(DEPLOYMENT.slice(0, 2), chainOf('root.create', 'cluster.disable'));
    const cut = await audit('verify', '--expect', headOf('deployment', DEPLOYMENT));
    expect([cut.code, cut.err]).toEqual([
      EXIT.unverified,
      expect.stringContaining('it ends at entry 2, and entry 3 was noted'),
    ]);
    const anew = await audit('verify', '--expect', headOf('cluster.local', DOMAIN));
    expect([anew.code, anew.err]).toEqual([EXIT.unverified, expect.stringContaining('the chain was written anew')]);
    const gone = await audit('verify', '--expect', headOf('gone.local', DOMAIN));
    expect([gone.code, gone.err]).toEqual([EXIT.unverified, expect.stringContaining('there is no audit gone.local')]);
  });

  test('refuses a head that is none', async () => {
    await withAudits(DEPLOYMENT, DOMAIN);
    const { code, err } = await audit('verify', '--expect', 'deployment=3');
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining('LOG=ID:HASH')]);
  });
});

describe('ambient-ca audit list', () => {
  test('says who did what, and how to see more', async () => {
    await withAudits(DEPLOYMENT, DOMAIN);
    const { code, out } = await audit('list');
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(/2 +2026-\S+ +ops +admin +trust-domain.create +s +done +n=1/);
    expect(out).toContain('more: --cursor more');
  });
});

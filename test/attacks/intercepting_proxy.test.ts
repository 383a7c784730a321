import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stand } from '../chaos/stand.ts';
import { Ztunnel } from '../support/client/ztunnel.ts';
import { InterceptingProxy, type Interception, type Message, type Reply } from '../support/intercepting_proxy.ts';
import { ledgerRows, serialOf } from '../support/ledger.ts';
import { printTable } from '../support/print_table.ts';
import { sleep, until } from '../support/processes.ts';
import { toyCa } from '../support/toy/authority.ts';
import { nodeChainFault } from '../support/verify/node_chain.ts';

const ISSUE = 'certificates';
const TRUST = 'trust';
const LIMIT = 30_000;
/** Long enough for what an agent does with a bad answer, short beside the 30 s that it holds a first request. */
const WATCHED_MS = 300;

let stand: Stand;
let proxy: InterceptingProxy;
const table: Record<string, string | number>[] = [];

beforeAll(async () => {
  stand = await Stand.start(1);
  proxy = await InterceptingProxy.start(stand.dev.info.ca.url);
  stand.proxy('CA').target = proxy.port;
  await restartAgent();
  if ((await ask(2)).some(({ ok }) => !ok)) throw new Error('no certificate before anything was done');
});
afterAll(async () => {
  printTable('a proxy between agent and CA', table);
  await proxy.stop();
  await stand.stop();
});

async function restartAgent(): Promise<void> {
  await stand.end('agent', 'SIGKILL');
  await stand.bring('agent');
}

type Outcome = { ok: true; serial: string; roots: string } | { ok: false; code: unknown };

/** Certificates for the first pods of the node, at once and so in one batch; what is given out is verified by the client. */
function ask(count: number): Promise<Outcome[]> {
  const client = new Ztunnel({ ...stand.address, mode: 'shared', token: () => stand.dev.token(stand.ztunnel) });
  const asked = stand.pods.slice(0, count).map((pod) =>
    client.fetchCertificate(stand.dev.identity(pod)).then(
      ({ leaf, intermediates, roots, key }): Outcome => {
        const fault = leaf.checkPrivateKey(key)
          ? nodeChainFault(leaf, intermediates, roots, Date.now())
          : 'another key';
        if (fault !== undefined) return { ok: false, code: fault };
        return { ok: true, serial: serialOf(leaf.serialNumber), roots: roots.map(String).join() };
      },
      (error: unknown): Outcome => ({ ok: false, code: (error as { code?: unknown }).code }),
    ),
  );
  return Promise.all(asked).finally(() => client.close());
}

const json = (body: Buffer): Record<string, unknown> => JSON.parse(body.toString()) as Record<string, unknown>;
const write = (body: object): Buffer => Buffer.from(JSON.stringify(body));
const changed = <T extends { body: Buffer }>(of: T, change: (body: Record<string, unknown>) => object): T => ({
  ...of,
  body: write(change(json(of.body))),
});
const items = (body: Record<string, unknown>): Record<string, unknown>[] => body['items'] as Record<string, unknown>[];

const onRequest =
  (kind: string, change: (message: Message) => Message): NonNullable<Interception['request']> =>
  (message) =>
    message.kind === kind ? change(message) : message;
const onReply =
  (
    kind: string,
    change: (reply: Reply, message: Message) => Reply | Promise<Reply>,
  ): NonNullable<Interception['reply']> =>
  (reply, message) =>
    message.kind === kind ? change(reply, message) : reply;

const unsigned = <T extends { headers: Message['headers'] }>(of: T): T => ({
  ...of,
  headers: Object.fromEntries(Object.entries(of.headers).filter(([name]) => name !== 'signature')),
});

const swapInItems =
  (member: string) =>
  (body: Record<string, unknown>): object => {
    const [first, second, ...rest] = items(body);
    if (first === undefined || second === undefined)
      return { ...body, items: items(body).map((item) => ({ ...item, [member]: 'x' })) };
    return {
      ...body,
      items: [{ ...first, [member]: second[member] }, { ...second, [member]: first[member] }, ...rest],
    };
  };

const instead = (status: number, type: string, body: string): Interception => ({
  request: (message) =>
    message.kind === ISSUE
      ? { answer: { status, headers: { 'content-type': type }, body: Buffer.from(body) } }
      : message,
});
const problem = (status: number): Interception =>
  instead(status, 'application/problem+json', JSON.stringify({ code: 'cluster-disabled', status, title: 'no' }));

let earlier: Reply | undefined;
const ON_ISSUANCE: readonly [name: string, interception: () => Interception][] = [
  ['swaps the CSRs of two items', () => ({ request: onRequest(ISSUE, (message) => changed(message, swapInItems('csr'))) })],
  ['swaps the identities of two items', () => ({ request: onRequest(ISSUE, (message) => changed(message, swapInItems('identity'))) })],
  ['asks for another lifetime', () => ({ request: onRequest(ISSUE, (message) => changed(message, (body) => ({ ...body, items: items(body).map((item) => ({ ...item, ttl: 1 })) }))) })],
  ['sends the request to another cluster', () => ({ request: onRequest(ISSUE, (message) => ({ ...message, path: message.path.replace('/clusters/', '/clusters/x') })) })],
  ['strips the signature of the request', () => ({ request: onRequest(ISSUE, unsigned) })],
  ['strips the signature of the answer', () => ({ reply: onReply(ISSUE, unsigned) })],
  ['swaps the certificates of two items', () => ({ reply: onReply(ISSUE, (reply) => changed(reply, swapInItems('certificate'))) })],
  ['answers with an earlier answer', () => ({ reply: onReply(ISSUE, (reply) => earlier ?? reply) })],
  ['cuts the answer short', () => ({ reply: onReply(ISSUE, (reply) => ({ ...reply, body: reply.body.subarray(0, reply.body.length / 2) })) })],
  ['answers 200 by itself', () => instead(200, 'application/json', '{"version":1,"items":[]}')],
  ['answers 401 by itself', () => problem(401)],
  ['answers 403 by itself', () => problem(403)],
  ['answers 500 by itself', () => problem(500)],
  ['answers a page to log in', () => instead(200, 'text/html', '<html>log in</html>')],
]; // prettier-ignore

async function underAttack(interception: Interception, begin: () => Promise<unknown>): Promise<Outcome[]> {
  let hits = 0;
  proxy.interception = {
    request: (message) => {
      const passed = interception.request?.(message) ?? message;
      if (passed !== message) hits++;
      return passed;
    },
    reply: async (reply, message) => {
      const passed = (await interception.reply?.(reply, message)) ?? reply;
      if (passed !== reply) hits++;
      return passed;
    },
  };
  try {
    await begin();
    const outcomes = ask(2);
    await until('the proxy to have interfered', LIMIT, () => hits > 0);
    await sleep(WATCHED_MS);
    proxy.interception = {};
    return await outcomes;
  } finally {
    proxy.interception = {};
  }
}

/**
 * What must hold whatever the proxy did: nobody was refused for it, and what was given out is what the CA recorded, under
 * its root; and afterwards all is as before.
 *
 * @returns what does not hold
 */
async function harmOf(name: string, outcomes: readonly Outcome[]): Promise<string[]> {
  const recorded = new Set((await ledgerRows(stand.dev)).map(({ serial }) => serial));
  const honest = await ask(2);
  const said = (each: Outcome): string => (each.ok ? 'a certificate' : String(each.code));
  table.push({
    'the proxy': name,
    'clients got': outcomes.map(said).join(', '),
    afterwards: honest.map(said).join(', '),
  });
  const root = honest.find(({ ok }) => ok);
  const wrong = [...outcomes, ...honest].filter(({ ok }) => !ok).map((each) => `no certificate: ${said(each)}`);
  for (const outcome of outcomes) {
    if (outcome.ok && !recorded.has(outcome.serial)) wrong.push(`${outcome.serial} is not in the ledger`);
    if (outcome.ok && root?.ok === true && outcome.roots !== root.roots) wrong.push('other roots');
  }
  return wrong;
}

describe('a proxy that interferes with issuance only delays it: one that', () => {
  test.each(ON_ISSUANCE)('%s', async (name, make) => {
    earlier = proxy.seen.findLast(({ message }) => message.kind === ISSUE)?.reply;
    expect(await harmOf(name, await underAttack(make(), () => Promise.resolve()))).toEqual([]);
  });

  test('delays', async () => {
    const reply = onReply(ISSUE, async (answer) => {
      await sleep(2_000);
      return { ...answer };
    });
    expect(await harmOf('delays by 2 s', await underAttack({ reply }, () => Promise.resolve()))).toEqual([]);
  });

  test('sends a captured request again gets nothing issued', async () => {
    await ask(2);
    const captured = proxy.seen.findLast(({ message }) => message.kind === ISSUE);
    const before = (await ledgerRows(stand.dev)).length;
    const again = await Promise.all(Array.from({ length: 5 }, () => proxy.send(captured!.message)));
    expect(again.map(({ status, body }) => `${status} ${String(json(body)['code'])}`)).toEqual(
      Array.from({ length: 5 }, () => '409 again'),
    );
    expect((await ledgerRows(stand.dev)).length).toBe(before);
    table.push({ 'the proxy': 'sends a captured request again', 'clients got': '409 again', afterwards: '' });
  });
});

describe('a proxy that interferes with trust changes none of it: one that', () => {
  const foreign = new X509Certificate(
    toyCa('a foreign root', { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3_600_000 }).pem,
  ).raw.toString('base64');
  const ON_TRUST: readonly [name: string, change: (body: Record<string, unknown>) => object][] = [
    ['adds a root', (body) => ({ ...body, roots: [...(body['roots'] as string[]), foreign] })],
    ['puts a root in place of ours', (body) => ({ ...body, roots: [foreign] })],
    ['drops the roots', (body) => ({ ...body, roots: [] })],
    ['lowers the version', (body) => ({ ...body, bundleVersion: 0 })],
    ['lowers the epoch', (body) => ({ ...body, epoch: 0 })],
    ['says that the cluster is disabled', (body) => ({ ...body, enabled: false })],
  ];

  test.each(ON_TRUST)('%s', async (name, change) => {
    const interception = { reply: onReply(TRUST, (reply) => changed(reply, change)) };
    const outcomes = await underAttack(interception, restartAgent);
    expect(await harmOf(name, outcomes)).toEqual([]);
    expect(readFileSync(stand.log('agent'), 'utf8')).toMatch(/answer-forged|answer-unsigned|digest|signature/);
  });
});

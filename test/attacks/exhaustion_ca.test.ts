import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_BATCH_BYTES, MAX_ITEMS } from '../../ca-service/src/client/protocol.ts';
import { Ztunnel } from '../support/client/ztunnel.ts';
import { Dev, nodePods } from '../support/dev.ts';
import { alive, until } from '../support/processes.ts';
import { RogueAgent } from '../support/rogue_agent.ts';
import type { Pod } from '../support/token.ts';
import { many } from './exhaustion_attacker.ts';
import { printTable } from '../support/print_table.ts';

const SCALE = process.env['ATTACKS'] === 'full' ? 1 : 0.1;
/** MiB that workerd may have, whatever comes. */
const MEMORY_BOUND = 512;
/** Descriptors that are none of an attack: files, the agent, and what the client of this test keeps for a while. */
const FEW = 200;
/** Bytes. Whoever sends less has sent all of it before the answer comes. */
const MORE_THAN_SOCKETS_HOLD = 8 * 1_048_576;
const BATCH = 'certificates';

const { ztunnel, pods } = nodePods('node-1', ['web']);
const WEB = pods[0] as Pod;
let dev: Dev;
let rogue: RogueAgent;
let honest: Ztunnel;
const answers: Record<string, string | number>[] = [];
const floods: Record<string, string | number>[] = [];

beforeAll(async () => {
  dev = await Dev.start({ pods: [ztunnel, ...pods] });
  rogue = new RogueAgent(dev);
  honest = new Ztunnel({ ...dev.address, mode: 'shared', token: () => dev.token(ztunnel) });
  await honest.fetchCertificate(dev.identity(WEB));
});
afterAll(async () => {
  printTable('what the CA answers', answers);
  printTable(`the CA under attack (scale ${SCALE}, bound ${MEMORY_BOUND} MiB)`, floods);
  honest.close();
  await dev.stop();
});

const rss = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${dev.info.ca.pid}/status`, 'utf8'))?.[1]) / 1_024;
const descriptors = (): number => readdirSync(`/proc/${dev.info.ca.pid}/fd`).length;
const admin = (): Record<string, string> => ({
  authorization: `Bearer ${readFileSync(dev.info.ca.adminTokenFile, 'utf8').trim()}`,
  'content-type': 'application/json',
});

interface Sent {
  path: string;
  headers: Record<string, string>;
  body: string;
}

const signed = async (leaf: string, body: string): Promise<Sent> => {
  const path = rogue.path(leaf);
  return { path, headers: await rogue.headers(path, Buffer.from(body)), body };
};
const ofAdmin = (body: string): Promise<Sent> => Promise.resolve({ path: '/v1/trust-domains', headers: admin(), body });
const nested = (depth: number, around: string): string =>
  `${around.repeat(depth)}${around === '[' ? ']'.repeat(depth) : ''}`;
const items = (count: number): string =>
  JSON.stringify({ version: 1, callers: [{}], items: Array.from({ length: count }, () => ({ caller: 0 })) });

const CUT_OFF = 'cut off while it was sent';

/** Status and problem code. A server that closes early may reset the connection before its answer is read (RFC 9112 §9.6). */
async function answerTo({ path, headers, body }: Sent): Promise<string> {
  try {
    const answer = await fetch(dev.info.ca.url + path, { method: 'POST', headers, body });
    const { code } = (await answer.json()) as { code: string };
    return `${answer.status} ${code}`;
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as { code?: string };
    if (code === 'EPIPE' || code === 'ECONNRESET') return CUT_OFF;
    throw error;
  }
}

describe('a body', () => {
  test.each<[string, () => Promise<Sent>, string]>([
    ['of an agent above 1 MiB', () => signed(BATCH, ' '.repeat(MAX_BATCH_BYTES + 1)), '413 body-too-large'],
    ['of an agent of 20 MiB', () => signed(BATCH, ' '.repeat(20 * MAX_BATCH_BYTES)), '413 body-too-large'],
    [
      'for a serving certificate of 1 MiB',
      () => signed('serving-certificates', ' '.repeat(MAX_BATCH_BYTES)),
      '413 body-too-large',
    ],
    ['of an admin of 1 MiB', () => ofAdmin(`"${'a'.repeat(MAX_BATCH_BYTES)}"`), '413 body-too-large'],
    ['with half a million brackets', () => signed(BATCH, nested(MAX_BATCH_BYTES / 2, '[')), '400 body-malformed'],
    ['with brackets that do not close', () => signed(BATCH, '['.repeat(MAX_BATCH_BYTES)), '400 body-malformed'],
    ['with half a million objects in each other', () => signed(BATCH, '{"a":'.repeat(200_000)), '400 body-malformed'],
    ['of an admin with a hundred thousand brackets', () => ofAdmin(nested(100_000, '[')), '400 invalid'],
    ['with more items than a batch has', () => signed(BATCH, items(MAX_ITEMS + 1)), '400 body-malformed'],
    ['with twenty thousand items', () => signed(BATCH, items(20_000)), '400 body-malformed'],
    ['with a number of a million digits', () => signed(BATCH, '9'.repeat(1_000_000)), '400 body-malformed'],
    [
      'with the same member a hundred thousand times',
      () => signed(BATCH, `{${'"a":1,'.repeat(100_000)}"a":1}`),
      '400 body-malformed',
    ],
  ])('%s is refused', async (name, make, expected) => {
    const sent = await make();
    const began = performance.now();
    const seen = await answerTo(sent);
    answers.push({ body: name, expected, seen, ms: Math.round(performance.now() - began) });
    expect(sent.body.length > MORE_THAN_SOCKETS_HOLD ? [expected, CUT_OFF] : [expected]).toContain(seen);
    await honest.fetchCertificate(dev.identity(WEB));
  });
});

const open: net.Socket[] = [];
/** A connection that says this and stays open. */
async function speak(first: string): Promise<net.Socket> {
  const socket = net.connect(Number(new URL(dev.info.ca.url).port), '127.0.0.1');
  open.push(socket);
  socket.on('error', () => socket.destroy()).resume();
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
  await new Promise((resolve) => {
    socket.once('close', resolve);
    socket.write(first, resolve);
  });
  return socket;
}

const head = (path: string, headers: Record<string, string>): string => {
  const fields = Object.entries({ host: 'ca', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\n${fields.join('')}`;
};
const post = (path: string, headers: Record<string, string>, body = '{}'): Promise<unknown> =>
  fetch(dev.info.ca.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  }).then((answer) => answer.arrayBuffer());
const PARALLEL = 32;
const CHUNK = `10000\r\n${' '.repeat(65_536)}\r\n`;
const junk = (index: number): string => `Bearer ${btoa('{"alg":"ES256"}')}.${btoa(`{"sub":"${index}"}`)}.c2ln`;

const FLOODS: Readonly<Record<string, () => Promise<unknown>>> = {
  'idle connections': () => many(5_000 * SCALE, PARALLEL, () => speak('')),
  'heads that do not end': () => many(1_000 * SCALE, PARALLEL, () => speak(head(rogue.path(BATCH), {}))),
  'heads of 8 MiB': () => many(50 * SCALE, 8, () => speak(head('/', { filler: 'a'.repeat(8 * 1_048_576) }))),
  'ten thousand headers': () =>
    many(100 * SCALE, 8, () =>
      speak(head('/', Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`x-${at}`, 'a'])))),
    ),
  'bodies of strangers that do not end': () =>
    many(1_000 * SCALE, PARALLEL, () =>
      speak(`${head(rogue.path(BATCH), { 'content-type': 'application/json', 'content-length': '1000000' })}\r\n{`),
    ),
  'bodies of an agent that do not end': () =>
    many(300 * SCALE, PARALLEL, async () => {
      const headers = await rogue.headers(rogue.path(BATCH), Buffer.alloc(0));
      return speak(`${head(rogue.path(BATCH), { ...headers, 'content-length': '1000000' })}\r\n${' '.repeat(500_000)}`);
    }),
  'chunks without end': () =>
    many(100 * SCALE, PARALLEL, async () => {
      const headers = await rogue.headers(rogue.path(BATCH), Buffer.alloc(0));
      return speak(`${head(rogue.path(BATCH), { ...headers, 'transfer-encoding': 'chunked' })}\r\n${CHUNK.repeat(40)}`);
    }),
  'names that nobody knows': () =>
    many(3_000 * SCALE, PARALLEL, (at) => post(`/v1/trust-domains/t-${at}/clusters/c-${at}/certificates`, {})),
  'tokens of nobody': () => many(3_000 * SCALE, PARALLEL, (at) => post(rogue.path(BATCH), { authorization: junk(at) })),
  'admin tokens that are guessed': () =>
    many(3_000 * SCALE, PARALLEL, (at) => post('/v1/trust-domains', { authorization: `Bearer guess-${at}` })),
};

describe('a flood', () => {
  test.each(Object.entries(FLOODS))(
    'of %s: memory stays bounded, and an honest ztunnel is served',
    async (name, flood) => {
      const { pid } = dev.info.ca;
      const before = rss();
      const state = { over: false };
      let [peak, most, served, slowest] = [before, 0, 0, 0];
      const flooding = flood().finally(() => (state.over = true));
      for (; !state.over || served < 2; served++) {
        const began = performance.now();
        await honest.fetchCertificate(dev.identity(WEB));
        slowest = Math.max(slowest, performance.now() - began);
        peak = Math.max(peak, rss());
        most = Math.max(most, descriptors());
      }
      await flooding;
      const opened = open.length;
      for (const socket of open.splice(0)) socket.destroy();
      await until('the descriptors come back', 60_000, () => descriptors() < FEW);
      floods.push({
        flood: name,
        opened,
        'RSS before': Math.round(before),
        peak: Math.round(peak),
        'most fds': most,
        'fds after': descriptors(),
        'honest certificates': served,
        'slowest ms': Math.round(slowest),
      });
      expect(alive(pid)).toBe(true);
      expect(peak).toBeLessThan(MEMORY_BOUND);
    },
  );
});

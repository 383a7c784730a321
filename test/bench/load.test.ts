import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ToyCa, wellBehaved } from '../support/toy/ca_server.ts';
import { headerBlocks } from './h2_frames.ts';
import { closedLoop, quantile } from './load.ts';
import { once, prebuild, sampleFault, ztunnelBlocks } from './material.ts';

const identity = (index: number): string => `spiffe://cluster.local/ns/default/sa/sa-${index}`;
const calls = Array.from({ length: 40 }, (_, index) => prebuild(identity(index)));
let ca: ToyCa;

beforeAll(async () => {
  ca = new ToyCa();
  await ca.start();
});
afterAll(() => ca.stop());

const target = () => ({ host: '127.0.0.1', port: ca.port, serverName: 'localhost', roots: ca.root.pem });
const blocks = () => ztunnelBlocks(`localhost:${ca.port}`, 't'.repeat(900), 'c1');

describe('the load generator against a grpc-js server', () => {
  test('sends what a ztunnel sends, each request whole', async () => {
    const before = ca.calls.length;
    const result = await closedLoop(target(), [once(blocks(), calls), once(blocks(), calls)], 8);
    expect([result.latencies.length, result.errors]).toEqual([80, 0]);
    const seen = ca.calls.slice(before);
    expect(seen.map((call) => call.identity).sort()).toEqual([...calls, ...calls].map((call) => call.identity).sort());
    for (const { headers, request } of seen) {
      expect(headers).toEqual({ authorization: `Bearer ${'t'.repeat(900)}`, clusterid: 'c1' });
      expect(request.validityDuration).toBe(86_400);
    }
  });

  test('keeps samples that verify, and sees a wrong identity, key or chain in one', async () => {
    const { samples } = await closedLoop(target(), [once(blocks(), calls)], 4);
    expect(samples).toHaveLength(1);
    const [sample] = samples;
    const other = calls.find((call) => call.identity !== sample!.call.identity)!;
    const now = Date.now();
    expect(sampleFault(sample!, now)).toBeUndefined();
    expect(sampleFault({ ...sample!, call: { ...sample!.call, identity: other.identity } }, now)).toContain(
      'asked for',
    );
    expect(sampleFault({ ...sample!, call: { ...sample!.call, spki: other.spki } }, now)).toContain('key');
    expect(sampleFault(sample!, now + 86_400_000)).toContain('validity');
  });

  test('counts refusals as errors and remembers the first', async () => {
    ca.behaviour = (call, self) =>
      call.identity.endsWith('7') ? { code: 16, message: 'no' } : wellBehaved(call, self);
    const result = await closedLoop(target(), [once(blocks(), calls)], 1);
    expect([result.latencies.length, result.errors]).toEqual([36, 4]);
    expect(result.firstError?.identity).toBe(identity(7));
    ca.behaviour = wellBehaved;
  });

  test('fails when the server goes away with calls in flight', async () => {
    const gone = new ToyCa(() => 'hang');
    await gone.start();
    const loop = closedLoop({ ...target(), port: gone.port, roots: gone.root.pem }, [once(blocks(), calls)], 2);
    const failure = loop.catch((error: unknown) => String(error));
    while (gone.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    gone.stop();
    expect(await failure).toMatch(/closed|GOAWAY|ECONNRESET/);
  });
});

test('headers that do not fit the dynamic table are refused, not sent wrong', () => {
  expect(() => headerBlocks('/p', 'a', [['authorization', 'x'.repeat(4_000)]])).toThrow('do not fit');
});

test('a quantile is an element of the list', () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
  expect(quantile([3, 1, 2], 0.99)).toBe(3);
  expect(quantile([], 0.5)).toBeNaN();
});

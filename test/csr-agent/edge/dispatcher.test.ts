import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Availability } from '../../../csr-agent/src/edge/availability.ts';
import { Dispatcher } from '../../../csr-agent/src/edge/dispatcher.ts';
import { UpstreamError } from '../../../csr-agent/src/edge/errors.ts';
import { Holds } from '../../../csr-agent/src/edge/hold.ts';
import type { Verdict, Waiting } from '../../../csr-agent/src/edge/waiting.ts';
import type { SigningOutcome, SigningRequest } from '../../../csr-agent/src/steps.ts';
import { ManualClock, settle } from '../support/clock.ts';
import { csrFor, signingRequest, ztunnelPod } from '../support/edge.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
const csr = csrFor('spiffe://cluster.local/ns/default/sa/web');

interface Call {
  readonly batch: readonly Waiting[];
  answered(): void;
  answer(verdicts: readonly Verdict[]): void;
  fail(error: UpstreamError): void;
}

let clock: ManualClock;
let calls: Call[];
/** What the CA does by itself; null lets the call hang. */
let auto: ((batch: readonly Waiting[]) => readonly Verdict[] | Error) | null;
let caUp: boolean;
let unforeseen: { error: unknown; requestIds: readonly string[] }[];
let holds: Holds;
let dispatcher: Dispatcher;

const issued: SigningOutcome = { ok: true, chain: [], serial: '01', notAfter: 0, issuer: 'i' };
const issueAll = (batch: readonly Waiting[]): Verdict[] => batch.map(() => ({ kind: 'settle', outcome: issued }));
const away = new UpstreamError('unreachable', 'ECONNREFUSED');

beforeEach(() => {
  clock = new ManualClock();
  calls = [];
  auto = issueAll;
  caUp = true;
  unforeseen = [];
  holds = new Holds({ maximum: 3 * HOUR, first: 30 * SECOND });
  const availability = new Availability({
    probe: () => (caUp ? Promise.resolve() : Promise.reject(away)),
    gate: () => null,
    clock,
    random: Math.random,
    onUp: () => dispatcher.resume(),
    log: { info: () => {}, warn: () => {} },
  });
  dispatcher = new Dispatcher({
    exchange: {
      exchange: (batch, answered) =>
        new Promise((resolve, reject) => {
          const answer = (verdicts: readonly Verdict[]): void => {
            answered();
            resolve(verdicts);
          };
          calls.push({ batch, answered, answer, fail: reject });
          if (!caUp) reject(away);
          else if (auto !== null) {
            const result = auto(batch);
            if (result instanceof Error) reject(result);
            else answer(result);
          }
        }),
    },
    availability,
    holds,
    clock,
    random: Math.random,
    soon: setImmediate,
    unforeseen: (error, requestIds) => void unforeseen.push({ error, requestIds }),
  });
});

let requests = 0;
function ask(changes: Parameters<typeof signingRequest>[0] = {}): {
  request: SigningRequest;
  outcome: () => SigningOutcome | null;
} {
  const request = signingRequest({ requestId: `r${requests++}`, receivedAt: clock.now(), csr, ...changes });
  let outcome: SigningOutcome | null = null;
  void dispatcher.sign(request).then((result) => (outcome = result));
  return { request, outcome: () => outcome };
}

const ids = (call: Call | undefined): string[] => call?.batch.map(({ request }) => request.requestId) ?? [];

describe('batches', () => {
  it('one that comes alone goes alone, at once and without a timer', async () => {
    const { outcome } = ask();
    await settle();
    expect(outcome()).toEqual(issued);
    expect(calls.map(({ batch }) => batch.length)).toEqual([1]);
  });

  it('whatever came in one turn goes in calls of 32, two in flight, the rest when one returns', async () => {
    auto = null;
    for (let i = 0; i < 100; i++) ask({ podUid: `pod-${i}` });
    await settle();
    expect(calls.map(({ batch }) => batch.length)).toEqual([32, 32]);
    calls[0]?.answer(issueAll(calls[0].batch));
    await settle();
    expect(calls.map(({ batch }) => batch.length)).toEqual([32, 32, 32]);
    calls[1]?.answer(issueAll(calls[1].batch));
    await settle();
    expect(calls.at(-1)?.batch.length).toBe(4);
  });

  it('the next call is on its way before the certificates of the last one are verified', async () => {
    auto = null;
    for (let i = 0; i < 65; i++) ask({ podUid: `pod-${i}` });
    await settle();
    calls[0]?.answered();
    expect(calls.length).toBe(3);
  });

  it('what is due soonest goes first', async () => {
    caUp = false;
    const soon = { podUid: 'b' };
    for (const [podUid, life] of [
      ['a', 2 * HOUR],
      ['b', HOUR],
      ['c', 3 * HOUR],
    ] as const) {
      const request = signingRequest({ podUid, receivedAt: clock.now(), csr });
      holds.issued(request, clock.now() + life);
    }
    for (let i = 0; i < 3; i++) ask({ podUid: 'x' });
    await clock.advance(5 * SECOND);
    calls.length = 0;
    ask({ podUid: 'a' });
    ask({ podUid: 'c' });
    ask(soon);
    await settle();
    caUp = true;
    await clock.advance(SECOND);
    expect(calls[0]?.batch.map(({ callerKey }) => callerKey).filter((key) => key !== 'x')).toEqual(['b', 'a', 'c']);
  });

  it('a caller that asks for thousands delays another by one call at most', async () => {
    auto = null;
    for (let i = 0; i < 1_000; i++) ask({ podUid: 'greedy' });
    await settle();
    ask({ podUid: 'modest', requestId: 'modest' });
    calls[0]?.answer(issueAll(calls[0].batch));
    await settle();
    expect(ids(calls[2])).toContain('modest');
  });

  it('beyond 20 000 that wait, a request is refused as unavailable at once', async () => {
    auto = null;
    const all = Array.from({ length: 20_001 }, () => ask({ podUid: 'one' }));
    await settle();
    expect(all[20_000]?.outcome()).toMatchObject({ ok: false, kind: 'unavailable', code: 'queue-full' });
    expect(all[19_999]?.outcome()).toBeNull();
    expect(dispatcher.waiting).toBe(20_000);
  });
});

describe('verdicts', () => {
  it('wait comes back after its time and not before', async () => {
    auto = (batch) => batch.map(() => ({ kind: 'retry', afterMs: 2 * SECOND, trouble: false }));
    const { outcome } = ask();
    await settle();
    auto = issueAll;
    await clock.advance(1_900);
    expect(calls.length).toBe(1);
    await clock.advance(200);
    expect(outcome()).toEqual(issued);
  });

  it('one that is told to wait an hour and whose client goes leaves no timer behind', async () => {
    auto = (batch) => batch.map(() => ({ kind: 'retry', afterMs: HOUR, trouble: false }));
    const gone = new AbortController();
    const { outcome } = ask({ cancelled: gone.signal });
    await settle();
    gone.abort();
    await clock.advance(SECOND);
    expect(outcome()).toMatchObject({ ok: false, code: 'cancelled' });
    expect(clock.timers).toBe(0);
  });

  it('a refusal is answered at once', async () => {
    const refusal: SigningOutcome = { ok: false, kind: 'refused', code: 'policy', reason: 'no' };
    auto = (batch) => batch.map(() => ({ kind: 'settle', outcome: refusal }));
    const { outcome } = ask();
    await settle();
    expect(outcome()).toEqual(refusal);
  });

  it('a call refused whole is taken apart, and only the item that spoils it is given up', async () => {
    const refusedWhole = new UpstreamError('problem', 'HTTP 400', { status: 400 });
    auto = (batch) => (batch.some(({ request }) => request.requestId === 'bad') ? refusedWhole : issueAll(batch));
    const bad = ask({ requestId: 'bad', podUid: 'p0' });
    const good = Array.from({ length: 10 }, (_, i) => ask({ podUid: `p${i}` }));
    await clock.advance(5 * SECOND);
    expect(good.map(({ outcome }) => outcome())).toEqual(good.map(() => issued));
    expect(bad.outcome()).toMatchObject({ ok: false, kind: 'unavailable' });
  });
});

const renewal = (life: number): ReturnType<typeof ask> => {
  const request = signingRequest({ receivedAt: clock.now() - HOUR, csr });
  holds.issued(request, clock.now() + life);
  return ask();
};

describe('an error that no step expects', () => {
  it('costs the one request that causes it, and not the others of its batch', async () => {
    const bug = new TypeError('x is not a function');
    auto = (batch) => (batch.some(({ callerKey }) => callerKey === 'poison') ? bug : issueAll(batch));
    const others = Array.from({ length: 8 }, (_, i) => ask({ podUid: `pod-${i}` }));
    const poison = ask({ podUid: 'poison' });
    await clock.advance(SECOND);
    expect(others.map(({ outcome }) => outcome())).toEqual(others.map(() => issued));
    expect(poison.outcome()).toBeNull();
    expect(unforeseen[0]).toMatchObject({ error: bug });
    expect(unforeseen[0]?.requestIds).toHaveLength(9);
    expect(unforeseen.slice(1).every(({ requestIds }) => requestIds.join() === poison.request.requestId)).toBe(true);
    // Requests that come later go as if nothing was: it is no outage.
    const later = ask({ podUid: 'pod-9' });
    await settle();
    expect(later.outcome()).toEqual(issued);
    await clock.advance(32 * SECOND);
    expect(poison.outcome()).toMatchObject({ ok: false, kind: 'unavailable', code: 'held-too-long' });
  });
});

describe('the hold', () => {
  it('a renewal is held while its certificate lives, and gets one within a second of the return of the CA', async () => {
    caUp = false;
    const { outcome } = renewal(2 * HOUR);
    await clock.advance(2 * HOUR - 2 * SECOND);
    expect(outcome()).toBeNull();
    caUp = true;
    await clock.advance(SECOND);
    expect(outcome()).toEqual(issued);
  });

  it('ends with the certificate', async () => {
    caUp = false;
    const { outcome } = renewal(HOUR);
    await clock.advance(HOUR - SECOND);
    expect(outcome()).toBeNull();
    await clock.advance(2 * SECOND);
    expect(outcome()).toMatchObject({ ok: false, kind: 'unavailable', code: 'held-too-long' });
  });

  it('ends after three hours, however long the certificate lives', async () => {
    caUp = false;
    const { outcome } = renewal(20 * HOUR);
    await clock.advance(3 * HOUR - SECOND);
    expect(outcome()).toBeNull();
    await clock.advance(2 * SECOND);
    expect(outcome()).toMatchObject({ code: 'held-too-long' });
  });

  it('ends a second late at most while an answer is awaited, and a certificate that comes then is not handed out', async () => {
    auto = null;
    const { outcome } = ask();
    await settle();
    await clock.advance(30 * SECOND);
    expect([calls.length, outcome()]).toEqual([1, null]);
    await clock.advance(1_250);
    expect(outcome()).toMatchObject({ ok: false, kind: 'unavailable', code: 'held-too-long' });
    calls[0]?.answer(issueAll(calls[0].batch));
    await settle();
    expect(outcome()).toMatchObject({ code: 'held-too-long' });
    expect(dispatcher.waiting).toBe(0);
  });

  it('a first issuance is held for 30 seconds, because it blocks the queue of its node', async () => {
    caUp = false;
    const { outcome } = ask();
    await clock.advance(29 * SECOND);
    expect(outcome()).toBeNull();
    await clock.advance(2 * SECOND);
    expect(outcome()).toMatchObject({ ok: false, kind: 'unavailable', code: 'held-too-long' });
  });

  it('with both pods known for more than five minutes, an unknown request counts as a renewal', async () => {
    caUp = false;
    const knownSince = clock.now() - 301 * SECOND;
    const caller = { ...signingRequest({ csr }).caller, pod: { ...ztunnelPod, knownSince } };
    const old = ask({ caller, target: { ...ztunnelPod, uid: 'old', knownSince } });
    const fresh = ask({ caller, target: { ...ztunnelPod, uid: 'fresh', knownSince: clock.now() } });
    await clock.advance(2 * HOUR);
    expect(old.outcome()).toBeNull();
    expect(fresh.outcome()).toMatchObject({ code: 'held-too-long' });
  });

  it('after a minute the caller is asked about again before sending, and refused if it may not have it any more', async () => {
    caUp = false;
    const recheck = vi.fn<SigningRequest['recheck']>(() => ({
      kind: 'impersonation',
      code: 'target-gone',
      reason: 'the pod has gone',
    }));
    const request = signingRequest({ receivedAt: clock.now(), csr });
    holds.issued(request, clock.now() + HOUR);
    const { outcome } = ask({ recheck });
    await clock.advance(59 * SECOND);
    expect(recheck).not.toHaveBeenCalled();
    await clock.advance(5 * SECOND);
    calls.length = 0;
    caUp = true;
    await clock.advance(SECOND);
    expect(outcome()).toEqual({ ok: false, kind: 'refused', code: 'target-gone', reason: 'the pod has gone' });
    expect(calls.length).toBe(0);
  });

  it('held for less than a minute it is not asked about', async () => {
    caUp = false;
    const recheck = vi.fn<SigningRequest['recheck']>(() => null);
    ask({ recheck });
    await clock.advance(20 * SECOND);
    caUp = true;
    await clock.advance(SECOND);
    expect(recheck).not.toHaveBeenCalled();
  });

  it('one whose client has gone is removed and never sent', async () => {
    caUp = false;
    const gone = new AbortController();
    const { outcome } = ask({ cancelled: gone.signal });
    await clock.advance(10 * SECOND);
    gone.abort();
    await settle();
    expect(outcome()).toMatchObject({ ok: false, code: 'cancelled' });
    expect(dispatcher.waiting).toBe(0);
    calls.length = 0;
    caUp = true;
    await clock.advance(2 * SECOND);
    expect(calls.length).toBe(0);
  });

  it('while the CA is away few calls are tried, however many wait', async () => {
    caUp = false;
    for (let i = 0; i < 500; i++) ask({ podUid: `p${i}` });
    await clock.advance(20 * SECOND);
    expect(calls.length).toBeLessThan(10);
  });

  it('a call that hung when the CA went away takes no place from those after its return', async () => {
    auto = null;
    const hung = Array.from({ length: 96 }, (_, i) => ask({ podUid: `h${i}` }));
    await settle();
    expect(calls.length).toBe(2);
    calls[0]?.fail(new UpstreamError('deadline', 'no answer within 5000 ms'));
    await clock.advance(SECOND);
    // The second still hangs, and two are on their way beside it.
    expect(calls.length).toBe(4);
    for (const call of calls.slice(2)) call.answer(issueAll(call.batch));
    calls[1]?.fail(new UpstreamError('deadline', 'no answer within 5000 ms'));
    auto = issueAll;
    await clock.advance(2 * SECOND);
    expect(hung.every(({ outcome }) => outcome() === issued)).toBe(true);
  });

  it('at the end everything that waits is answered as unavailable', async () => {
    caUp = false;
    const all = Array.from({ length: 10 }, () => renewal(HOUR));
    await clock.advance(10 * SECOND);
    dispatcher.stop();
    await settle();
    for (const { outcome } of all)
      expect(outcome()).toMatchObject({ ok: false, kind: 'unavailable', code: 'stopping' });
    expect(dispatcher.waiting).toBe(0);
    expect(ask().outcome).not.toBeNull();
  });
});

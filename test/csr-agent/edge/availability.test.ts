import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Availability } from '../../../csr-agent/src/edge/availability.ts';
import { UpstreamError } from '../../../csr-agent/src/edge/errors.ts';
import { ManualClock } from '../support/clock.ts';

const refused = new UpstreamError('unreachable', 'ECONNREFUSED');
const SECOND = 1_000;

let clock: ManualClock;
let answers: boolean;
let gate: string | null;
let probes: number;
let log: string[];
let availability: Availability;
const onUp = vi.fn<() => void>();

beforeEach(() => {
  clock = new ManualClock();
  answers = true;
  gate = null;
  probes = 0;
  log = [];
  onUp.mockClear();
  availability = new Availability({
    probe: () => {
      probes++;
      return answers ? Promise.resolve() : Promise.reject(refused);
    },
    gate: () => gate,
    clock,
    random: Math.random,
    onUp,
    log: {
      info: (_fields, message) => log.push(message),
      warn: (_fields, message) => log.push(message),
    },
  });
});

function away(): void {
  answers = false;
  for (let i = 0; i < 3; i++) availability.failed(refused);
}

describe('the breaker', () => {
  it('opens after three failures in a row, and not while an answer comes between them', () => {
    for (let i = 0; i < 5; i++) {
      availability.failed(refused);
      availability.failed(refused);
      availability.succeeded();
    }
    expect(availability.up).toBe(true);
    away();
    expect(availability.up).toBe(false);
  });

  it('opens at once when a call got no answer at all', () => {
    availability.failed(new UpstreamError('deadline', 'no answer within 5000 ms'));
    expect(availability.up).toBe(false);
  });

  it('closes within a second of the return of the CA, however long it was away', async () => {
    away();
    await clock.advance(3_600 * SECOND);
    expect(availability.up).toBe(false);
    answers = true;
    await clock.advance(SECOND);
    expect(availability.up).toBe(true);
    expect(onUp).toHaveBeenCalledOnce();
  });

  it('probes about twice a second, and not at all while it is closed', async () => {
    await clock.advance(60 * SECOND);
    expect(probes).toBe(0);
    away();
    await clock.advance(60 * SECOND);
    expect(probes).toBeGreaterThan(70);
    expect(probes).toBeLessThan(145);
  });

  it('does not wait for a probe that hangs', async () => {
    let hang = true;
    const hung = new Availability({
      probe: () => (hang ? new Promise(() => {}) : Promise.resolve()),
      gate: () => null,
      clock,
      random: Math.random,
      onUp,
      log: { info: () => {}, warn: () => {} },
    });
    hung.failed(new UpstreamError('deadline', 'no answer'));
    await clock.advance(3 * SECOND);
    hang = false;
    await clock.advance(SECOND);
    expect(hung.up).toBe(true);
  });

  it('opens again at the first failure after a probe, and calls the CA back only when a call succeeds', async () => {
    away();
    answers = true;
    await clock.advance(SECOND);
    expect(availability.up).toBe(true);
    availability.failed(refused);
    expect(availability.up).toBe(false);
    expect(log).not.toContain('the CA is back');
    await clock.advance(SECOND);
    availability.succeeded();
    expect(log.filter((message) => message === 'the CA is back')).toHaveLength(1);
    availability.failed(refused);
    expect(availability.up).toBe(true);
  });

  it('says the same trouble once a minute', async () => {
    away();
    await clock.advance(150 * SECOND);
    expect(log.filter((message) => message === 'requests are held')).toHaveLength(3);
  });
});

describe('the gate', () => {
  it('holds requests although the CA answers, until it opens', async () => {
    gate = 'our clock is off';
    availability.check();
    expect(availability.up).toBe(false);
    await clock.advance(5 * SECOND);
    expect(availability.up).toBe(false);
    expect(log).toEqual(['requests are held']);
    gate = null;
    await clock.advance(SECOND);
    expect(availability.up).toBe(true);
  });

  it('after the end nothing is probed any more', async () => {
    away();
    availability.stop();
    const before = probes;
    await clock.advance(10 * SECOND);
    expect(probes).toBe(before);
    expect(clock.timers).toBe(0);
  });
});

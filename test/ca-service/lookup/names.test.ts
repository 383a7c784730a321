import { describe, expect, it } from 'vitest';
import { NameLookup } from '../../../ca-service/src/lookup/names.ts';
import { failed, FakeObjects, names, NOW, ok } from '../support/fakes.ts';

function lookup(answers: Record<string, () => unknown> = {}) {
  const objects = new FakeObjects({ names: () => ok(names), ...answers });
  const time = { now: NOW };
  return { objects, time, lookup: new NameLookup(objects, () => time.now) };
}

describe('names', () => {
  it('lead to the object that the directory recorded', async () => {
    const { lookup: found } = lookup();
    expect(await found.trustDomain('cluster.local')).toBe('td-1');
    expect(await found.cluster('cluster.local', 'prod')).toBe('ci-1');
  });

  it.each(['unknown.example', 'constructor', '__proto__', 'toString', ''])('such as %j lead nowhere', async (name) => {
    const { lookup: found } = lookup();
    await expect(found.trustDomain(name)).rejects.toMatchObject({ code: 'not-found' });
    await expect(found.cluster('cluster.local', name)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('that are guessed wake the directory once in 30 s, and nothing else', async () => {
    const { lookup: found, objects, time } = lookup();
    for (let guess = 0; guess < 50; guess++) {
      await expect(found.trustDomain(`guess-${guess}.example`)).rejects.toThrow();
      await expect(found.cluster('cluster.local', `guess-${guess}`)).rejects.toThrow();
    }
    time.now += 29_999;
    await expect(found.trustDomain('guess.example')).rejects.toThrow();
    expect(objects.asked).toEqual([{ object: 'directory', method: 'names', args: [] }]);
    time.now += 1;
    await expect(found.trustDomain('guess.example')).rejects.toThrow();
    expect(objects.count('names')).toBe(2);
  });

  it('are asked for again after a write here, or when the clock went back', async () => {
    const { lookup: found, objects, time } = lookup();
    await found.all();
    found.forget();
    await found.all();
    time.now -= 1;
    await found.all();
    expect(objects.count('names')).toBe(3);
  });

  it('from before a write here are not kept', async () => {
    const waiting: ((value: unknown) => void)[] = [];
    const { lookup: found, objects } = lookup({ names: () => new Promise((resolve) => waiting.push(resolve)) });
    const early = found.all();
    await Promise.resolve();
    found.forget();
    waiting[0]?.(ok(names));
    await early;
    const late = found.all();
    await Promise.resolve();
    waiting[1]?.(ok(names));
    await late;
    expect(objects.count('names')).toBe(2);
  });

  it('that cannot be read fail with the reason of the directory', async () => {
    const { lookup: found } = lookup({ names: () => failed('kek-missing') });
    await expect(found.trustDomain('cluster.local')).rejects.toMatchObject({ code: 'kek-missing' });
  });
});

import { describe, expect, it } from 'vitest';
import { BoundedMap } from '../../../ca-service/src/lookup/bounded_map.ts';

describe('a bounded map', () => {
  it('never holds more than its maximum, and forgets what was used longest ago', () => {
    const map = new BoundedMap<number>(3);
    for (const [index, key] of ['a', 'b', 'c'].entries()) map.set(key, index);
    map.get('a');
    map.set('d', 3);
    expect(map.size).toBe(3);
    expect(['a', 'b', 'c', 'd'].map((key) => map.get(key))).toEqual([0, undefined, 2, 3]);
  });

  it('replaces a value without growing', () => {
    const map = new BoundedMap<number>(2);
    map.set('a', 1);
    map.set('a', 2);
    expect([map.size, map.get('a')]).toEqual([1, 2]);
  });
});

import { describe, expect, it } from 'vitest';
import { requestIds } from '../../csr-agent/src/request_id.ts';

describe('request ids', () => {
  it('are all different, and of the form that the wire takes', () => {
    const next = requestIds();
    const ids = Array.from({ length: 5000 }, next);
    expect(new Set(ids).size).toBe(5000);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{10}[A-Za-z0-9]$/);
  });

  it('use each drawn octet once', () => {
    let draws = 0;
    const next = requestIds((pool) => void pool.fill(++draws));
    const ids = Array.from({ length: 1025 }, next);
    expect(draws).toBe(3);
    expect(new Set(ids).size).toBe(3);
  });
});

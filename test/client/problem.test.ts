import { describe, expect, it } from 'vitest';
import { isAgain, problemType, readProblem } from '../../ca-service/src/client/problem.ts';

describe('a problem document', () => {
  const again = { type: problemType('again'), title: 't', status: 409, code: 'again', boot: 'bootboot', time: 1 };

  it('is read with its extension members', () => {
    expect(readProblem({ ...again, faults: ['a', 'b'] })).toEqual({ ...again, faults: ['a', 'b'] });
  });

  it('again is told apart by code, boot and time', () => {
    const problem = readProblem(again);
    expect(problem !== null && isAgain(problem)).toBe(true);
    const { boot: _, ...without } = again;
    const other = readProblem(without);
    expect(other !== null && isAgain(other)).toBe(false);
  });

  it.each([
    ['null', null],
    ['text', 'oops'],
    ['an answer of a proxy', { message: 'Bad Gateway' }],
    ['a status that is text', { ...again, status: '409' }],
  ])('%s is none', (_, value) => {
    expect(readProblem(value)).toBeNull();
  });

  it('members that are objects are left out, and __proto__ cannot be set', () => {
    const problem = readProblem(JSON.parse(`{"title":"t","status":400,"code":"c","__proto__":["x"],"deep":{"a":1}}`));
    expect(problem).toEqual({ type: problemType('c'), title: 't', status: 400, code: 'c' });
    expect(Object.getPrototypeOf(problem)).toBe(Object.prototype);
  });
});

import { describe, expect, it } from 'vitest';
import { CaError, type CaErrorCode, ERRORS, problemOf } from '../../ca-service/src/errors.ts';

const codes = Object.keys(ERRORS) as CaErrorCode[];

describe('the problem of an error', () => {
  it.each(codes)('%s has the status and title of its code', (code) => {
    const problem = problemOf(new CaError(code, 'what happened'));
    expect(problem).toMatchObject({ code, status: ERRORS[code].status, title: ERRORS[code].title });
    expect(problem.type).toBe(`urn:ambient-ca:problem:${code}`);
  });

  it.each(codes.filter((code) => ERRORS[code].status >= 500))('%s tells nothing but its constant text', (code) => {
    const error = new CaError(code, 'hidden detail', { fix: 'hidden fix', extra: { faults: ['hidden'] } });
    expect(JSON.stringify(problemOf(error))).not.toContain('hidden');
  });

  it('below 500 has the detail, the faults and the command that fixes it', () => {
    const error = new CaError('invalid', 'two faults', { fix: 'do this', extra: { faults: ['a', 'b'] } });
    expect(problemOf(error)).toMatchObject({ detail: 'two faults', fix: 'do this', faults: ['a', 'b'] });
  });

  it('cannot have its own members replaced by extension members', () => {
    const error = new CaError('invalid', 'd', { extra: { status: 200, code: 'ok', type: 'x', title: 'y' } });
    expect(problemOf(error)).toMatchObject({ status: 400, code: 'invalid' });
  });

  it('that was not foreseen is internal, with a constant text', () => {
    expect(problemOf(new Error('hidden'))).toEqual(problemOf('hidden'));
    expect(problemOf(new Error('hidden'))).toMatchObject({ status: 500, code: 'internal' });
  });
});

import { describe, expect, it } from 'vitest';
import { concat } from '../../../pki/src/bytes.ts';
import { checkCsrAgainst } from '../../../pki/src/csr/check.ts';
import { parseCsr } from '../../../pki/src/csr/parse.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import { refusals } from './refused.ts';
import { csrOf, identity } from './samples.ts';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof PkiError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('a CSR is refused', () => {
  it.each(refusals)('%s', (_claim, parts, code) => {
    expect(codeOf(() => parseCsr(csrOf(parts)))).toBe(code);
  });

  it('with a byte after it', () => {
    expect(codeOf(() => parseCsr(concat(csrOf(), Uint8Array.of(0))))).toBe('der-trailing');
  });

  it('of more than 8 KiB, before it is parsed', () => {
    expect(codeOf(() => parseCsr(new Uint8Array(8 * 1024 + 1)))).toBe('der-size');
  });

  it('in BER with an indefinite length', () => {
    const der = csrOf();
    expect(codeOf(() => parseCsr(concat(Uint8Array.of(0x30, 0x80), der.subarray(4), Uint8Array.of(0, 0))))).toBe(
      'der-length',
    );
  });

  it('when it asks for another identity than the attested one', () => {
    const csr = parseCsr(csrOf());
    expect(codeOf(() => checkCsrAgainst(csr, identity))).toBe('accepted');
    expect(codeOf(() => checkCsrAgainst(csr, `${identity}x`))).toBe('csr-identity');
    expect(codeOf(() => checkCsrAgainst(csr, identity.toUpperCase()))).toBe('csr-identity');
  });
});

import { describe, expect, it } from 'vitest';
import { nameConstraintViolation } from '../../../pki/src/chain/name_constraints.ts';

const none = { dns: [], ip: [], mail: [] };
const base = { permitted: none, excluded: none, uri: false, directoryName: false, other: false };
const names = { dnsSans: [] as string[], ipSans: [] as Uint8Array[], mailSans: [] as string[] };

const permits = (subtree: string, name: string): boolean =>
  nameConstraintViolation({ ...base, permitted: { ...none, dns: [subtree] } }, { ...names, dnsSans: [name] }) === null;
const excludes = (subtree: string, name: string): boolean =>
  nameConstraintViolation({ ...base, excluded: { ...none, dns: [subtree] } }, { ...names, dnsSans: [name] }) !== null;
const permitsMail = (subtree: string, name: string): boolean =>
  nameConstraintViolation({ ...base, permitted: { ...none, mail: [subtree] } }, { ...names, mailSans: [name] }) ===
  null;

describe('DNS constraints', () => {
  it.each([
    ['', 'a.b', true],
    ['a.b', 'a.b', true],
    ['a.b', 'x.a.b', true],
    ['A.b', 'x.a.B', true],
    ['a.b', 'xa.b', false],
    ['a.b', 'b', false],
    ['.a.b', 'x.a.b', true],
    ['.a.b', 'a.b', false],
    ['a.b', '*.a.b', true],
    ['x.a.b', '*.a.b', false],
    ['', 'a..b', false],
    ['', 'a b', false],
    ['', '', false],
  ])('permitted "%s" lets "%s" pass: %s', (subtree, name, passes) => {
    expect(permits(subtree, name)).toBe(passes);
  });

  it.each([
    ['', 'a.b', true],
    ['', '*', true],
    ['a.b', 'A.B', true],
    ['a.b', 'x.a.b', true],
    ['a.b', 'b', false],
    ['x.a.b', '*.a.b', true],
    ['y.x.a.b', '*.a.b', true],
    ['a.b', '*.b', true],
    ['a.b', '*.c', false],
  ])('excluded "%s" stops "%s": %s', (subtree, name, stops) => {
    expect(excludes(subtree, name)).toBe(stops);
  });
});

describe('mail constraints', () => {
  it.each([
    ['b.c', 'a@b.c', true],
    ['b.c', 'a@B.C', true],
    ['b.c', 'a@x.b.c', false],
    ['.b.c', 'a@x.b.c', true],
    ['.b.c', 'a@b.c', false],
    ['a@b.c', 'a@b.c', true],
    ['a@b.c', 'A@b.c', false],
    ['', 'a@b.c', false],
    ['b.c', 'b.c', false],
  ])('permitted "%s" lets "%s" pass: %s', (subtree, name, passes) => {
    expect(permitsMail(subtree, name)).toBe(passes);
  });

  it('excluded "" stops every mailbox', () => {
    const excluded = { ...none, mail: [''] };
    expect(nameConstraintViolation({ ...base, excluded }, { ...names, mailSans: ['a@b.c'] })).not.toBeNull();
  });
});

describe('IP constraints', () => {
  const ten = Uint8Array.of(10, 0, 0, 0, 255, 0, 0, 0);
  const violation = (part: 'permitted' | 'excluded', ...octets: number[]): string | null =>
    nameConstraintViolation(
      { ...base, [part]: { ...none, ip: [ten] } },
      { ...names, ipSans: [Uint8Array.from(octets)] },
    );

  it('hold for the masked part of an address', () => {
    expect(violation('permitted', 10, 1, 2, 3)).toBeNull();
    expect(violation('permitted', 11, 1, 2, 3)).not.toBeNull();
    expect(violation('excluded', 10, 1, 2, 3)).not.toBeNull();
    expect(violation('excluded', 11, 1, 2, 3)).toBeNull();
  });

  it('of one family say nothing good of the other', () => {
    expect(violation('permitted', ...Array.from({ length: 16 }, () => 0))).not.toBeNull();
    expect(violation('excluded', ...Array.from({ length: 16 }, () => 0))).toBeNull();
  });
});

describe('constraints of one kind', () => {
  it('leave the others alone', () => {
    const permitted = { ...none, dns: ['a.b'] };
    expect(nameConstraintViolation({ ...base, permitted }, { ...names, mailSans: ['a@b.c'] })).toBeNull();
  });

  it('and names without end are refused before they are compared', () => {
    const many = Array.from({ length: 1000 }, (_, i) => `n${i}.a`);
    const excluded = { ...none, dns: many.map((name) => `x${name}`) };
    expect(nameConstraintViolation({ ...base, excluded }, { ...names, dnsSans: many })).toMatch(/too many/);
  });
});

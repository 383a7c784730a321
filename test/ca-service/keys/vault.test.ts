import { describe, expect, it } from 'vitest';
import { parseKekRing } from '../../../ca-service/src/keys/kek.ts';
import { openVault, storeCheck, Vault, type KeyUse } from '../../../ca-service/src/keys/vault.ts';
import { withStorage } from '../support/storage.ts';

const octets = (value: number): string => btoa(String.fromCodePoint(...new Uint8Array(32).fill(value)));
const secret = (current: string, keys: Record<string, string>): string => JSON.stringify({ current, keys });
const use: KeyUse = { instanceId: 'i', trustDomain: 'example.org', purpose: 'root', id: 'r' };
const plain = Uint8Array.from({ length: 138 }, (_, index) => index);

async function vaultOf(text: string): Promise<Vault> {
  const ring = await parseKekRing(text);
  if ('code' in ring) throw new Error(ring.detail);
  return new Vault(ring);
}

describe('a wrapped key', () => {
  it('opens for what it was wrapped for, also after a new version became current', async () => {
    const old = await vaultOf(secret('1', { '1': octets(1) }));
    const wrapped = await old.wrap(use, plain);
    const both = await vaultOf(secret('2', { '1': octets(1), '2': octets(2) }));
    expect(await both.open(use, wrapped)).toEqual(plain);
    expect((await both.wrap(use, plain)).subarray(0, 3)).toEqual(Uint8Array.of(1, 1, '2'.charCodeAt(0)));
  });

  it('is another each time', async () => {
    const vault = await vaultOf(secret('1', { '1': octets(1) }));
    expect(await vault.wrap(use, plain)).not.toEqual(await vault.wrap(use, plain));
  });

  it.each<[string, Partial<KeyUse>]>([
    ['instance', { instanceId: 'j' }],
    ['trust domain', { trustDomain: 'example.com' }],
    ['purpose', { purpose: 'svid-intermediate' }],
    ['id', { id: 's' }],
  ])('does not open for another %s', async (_, change) => {
    const vault = await vaultOf(secret('1', { '1': octets(1) }));
    expect(await vault.open({ ...use, ...change }, await vault.wrap(use, plain))).toBeNull();
  });

  it('does not open with any octet changed, cut or added', async () => {
    const vault = await vaultOf(secret('1', { '1': octets(1) }));
    const wrapped = await vault.wrap(use, plain);
    for (let at = 0; at < wrapped.length; at++) {
      const changed = wrapped.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await vault.open(use, changed)).toBeNull();
      expect(await vault.open(use, wrapped.slice(0, at))).toBeNull();
    }
    expect(await vault.open(use, Uint8Array.of(...wrapped, 0))).toBeNull();
  });

  it('does not open under another key of the same version', async () => {
    const wrapped = await (await vaultOf(secret('1', { '1': octets(1) }))).wrap(use, plain);
    expect(await (await vaultOf(secret('1', { '1': octets(3) }))).open(use, wrapped)).toBeNull();
  });
});

const storedUnder = (text: string, open: string | undefined): Promise<string> =>
  withStorage(async ({ sql }) => {
    await storeCheck(sql, await vaultOf(text), 0);
    const opened = await openVault(sql, open);
    return opened instanceof Vault ? 'ok' : opened.code;
  });

describe('opening the vault', () => {
  const first = secret('1', { '1': octets(1) });

  it.each([
    ['the same KEK', first, 'ok'],
    ['a newer version beside it', secret('2', { '1': octets(1), '2': octets(2) }), 'ok'],
    ['another key of that version', secret('1', { '1': octets(9) }), 'kek-mismatch'],
    ['only a newer version', secret('2', { '2': octets(2) }), 'kek-missing'],
    ['nothing', undefined, 'kek-missing'],
    ['an empty text', '', 'kek-missing'],
  ])('with %s answers', async (_, open, expected) => {
    expect(await storedUnder(first, open)).toBe(expected);
  });
});

describe('the secret KEK is refused, without being quoted,', () => {
  it.each([
    '{}',
    'null',
    '[]',
    '{"current":"1"}',
    secret('2', { '1': octets(1) }),
    secret('1', { '1': btoa('too short') }),
    secret('1', { '1': '***' }),
    secret('a b', { 'a b': octets(1) }),
  ])('%s', async (text) => {
    const failure = await parseKekRing(text);
    expect(failure).toMatchObject({ code: 'kek-missing' });
    expect(JSON.stringify(failure)).not.toContain(octets(1));
  });
});

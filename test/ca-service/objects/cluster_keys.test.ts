import { describe, expect, it } from 'vitest';
import { tokenKeyThumbprint } from '../../../ca-service/src/objects/token_keys.ts';
import { ADMIN, failureOf, tokenKey, trustDomain, valueOf } from '../support/deployment.ts';

async function enrolled() {
  const domain = await trustDomain();
  const old = await tokenKey();
  const { info, issuer } = await domain.enrol({ jwks: { keys: [old] } });
  const keysInForce = async () => valueOf(await issuer.snapshot()).keySets;
  return { domain, old, name: info.name, epoch: info.epoch, tokenIssuer: info.keySets[0]?.issuer ?? '', keysInForce };
}

describe('the token keys of a cluster', () => {
  it('are replaced at once, with a new epoch, and the audit has which went and which came', async () => {
    const { domain, old, name, epoch, tokenIssuer, keysInForce } = await enrolled();
    const fresh = await tokenKey();
    const both = valueOf(await domain.rpc.setClusterKeys(ADMIN, name, { jwks: { keys: [old, fresh] } }));
    expect(both).toMatchObject({ enforced: true, issuer: tokenIssuer });
    expect(both.epoch).toBeGreaterThan(epoch);
    expect((await keysInForce())[0]?.keys).toHaveLength(2);
    const [before, after] = [await tokenKeyThumbprint(old), await tokenKeyThumbprint(fresh)];
    const alone = valueOf(await domain.rpc.setClusterKeys(ADMIN, name, { jwks: { keys: [fresh] } }));
    expect(new Set(alone.before)).toEqual(new Set([before, after]));
    expect(alone.after).toEqual([after]);
    expect(await keysInForce()).toEqual([{ issuer: tokenIssuer, keys: [fresh] }]);
    const said = valueOf(await domain.rpc.audit({})).rows.filter(({ action }) => action === 'cluster.keys.set');
    expect(said).toMatchObject([
      { subject: name, actor: ADMIN, detail: { issuer: tokenIssuer, before: [before] } },
      { subject: name, detail: { after: [after] } },
    ]);
  });

  it('that are left out are free for another cluster, and those in use are not', async () => {
    const { domain, old, name } = await enrolled();
    const other = await domain.enrol();
    const fresh = await tokenKey();
    const taken = await domain.rpc.setClusterKeys(ADMIN, other.info.name, { jwks: { keys: [old] } });
    expect(failureOf(taken)).toMatchObject({ code: 'keys-in-use', detail: expect.stringContaining(name) as string });
    valueOf(await domain.rpc.setClusterKeys(ADMIN, name, { jwks: { keys: [fresh] } }));
    expect(valueOf(await domain.rpc.setClusterKeys(ADMIN, other.info.name, { jwks: { keys: [old] } })).enforced).toBe(
      true,
    );
  });

  it('of one issuer leave those of another alone', async () => {
    const domain = await trustDomain();
    const extra = { issuer: 'https://extra.example', keys: [await tokenKey()] };
    const { info, issuer } = await domain.enrol({ extraKeySets: [extra] });
    const fresh = await tokenKey();
    valueOf(await domain.rpc.setClusterKeys(ADMIN, info.name, { issuer: extra.issuer, jwks: { keys: [fresh] } }));
    const { keySets } = valueOf(await issuer.snapshot());
    expect(keySets[0]).toEqual(info.keySets[0]);
    expect(keySets[1]).toEqual({ issuer: extra.issuer, keys: [fresh] });
  });

  it.each<[string, object, RegExp]>([
    [
      'an issuer that the cluster does not have',
      { issuer: 'https://other' },
      /none that \S+ is enrolled with, expected https/,
    ],
    ['a private key', { jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'a', y: 'b', d: 'c' }] } }, /holds a private key/],
    ['a key of another type', { jwks: { keys: [{ kty: 'oct' }] } }, /kty is neither/],
    ['no key', { jwks: { keys: [] } }, /expected 1 to 32 keys/],
  ])('are refused with %s, and nothing changes', async (_what, change, detail) => {
    const { domain, name, keysInForce } = await enrolled();
    const before = await keysInForce();
    const input = { jwks: { keys: [await tokenKey()] }, ...change };
    const failure = failureOf(await domain.rpc.setClusterKeys(ADMIN, name, input));
    expect(failure).toMatchObject({ code: 'invalid', detail: expect.stringMatching(detail) as string });
    expect(await keysInForce()).toEqual(before);
  });

  it('of an unknown cluster are refused', async () => {
    const { domain, old } = await enrolled();
    expect(failureOf(await domain.rpc.setClusterKeys(ADMIN, 'nobody', { jwks: { keys: [old] } })).code).toBe(
      'not-found',
    );
  });
});

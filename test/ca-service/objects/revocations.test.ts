import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { decodeBatchAnswer, type ItemAnswer } from '../../../ca-service/src/client/protocol.ts';
import type { VerifiedItem } from '../../../ca-service/src/objects/packed.ts';
import type { RevocationMark } from '../../../ca-service/src/objects/rpc.ts';
import { ADMIN, failureOf, trustDomain, uniqueName, valueOf } from '../support/deployment.ts';
import { caller, decoded, issueRequest, pack, packServing, publicKey, servingRequest } from '../support/requests.ts';

const NODE = 'node-a';

async function enrolled() {
  const domain = await trustDomain();
  const { issuer, stub, info } = await domain.enrol();
  const identity = `spiffe://${domain.name}/ns/bookinfo/sa/productpage`;
  /** The answer to one item of a pod. */
  async function ask(podUid = 'pod-1', item: Partial<VerifiedItem> = {}, node = NODE): Promise<ItemAnswer | undefined> {
    const snapshot = valueOf(await issuer.snapshot());
    const request = await issueRequest(snapshot, [item], { callers: [{ ...caller(podUid), node }] });
    return decodeBatchAnswer(decoded(await issuer.issue(pack(request))).body).items[0];
  }
  const row = async (podUid: string) =>
    valueOf(await issuer.certificates({ identity })).rows.find((each) => each.podUid === podUid);
  const revoke = (mark: RevocationMark) => domain.rpc.revoke(ADMIN, info.name, { ...mark, reason: 'stolen' });
  const lift = (mark: RevocationMark) => domain.rpc.liftRevocation(ADMIN, info.name, mark);
  return { domain, issuer, stub, info, identity, ask, row, revoke, lift };
}

const REFUSED = { status: 'refused', code: 'revoked' };
const ISSUED = { status: 'issued' };

describe('a revocation', () => {
  it('of an identity refuses it to every pod, and no other identity, until it is lifted', async () => {
    const { identity, ask, revoke, lift } = await enrolled();
    expect(await ask()).toMatchObject(ISSUED);
    const mark = { kind: 'identity', subject: identity } as const;
    expect(valueOf(await revoke(mark))).toMatchObject({ ...mark, by: 'ada', reason: 'stolen' });
    expect(await ask()).toMatchObject({ ...REFUSED, reason: expect.stringContaining('by ada: stolen') as string });
    expect(await ask('pod-2')).toMatchObject(REFUSED);
    expect(await ask('pod-1', { serviceAccount: 'reviews' })).toMatchObject(ISSUED);
    valueOf(await lift(mark));
    expect(await ask()).toMatchObject(ISSUED);
  });

  it('of a node refuses what is asked for from there alone', async () => {
    const { ask, revoke } = await enrolled();
    valueOf(await revoke({ kind: 'node', subject: NODE }));
    expect(await ask()).toMatchObject(REFUSED);
    expect(await ask('pod-1', { serviceAccount: 'reviews' })).toMatchObject(REFUSED);
    expect(await ask('pod-3', {}, 'node-b')).toMatchObject(ISSUED);
  });

  it('of a certificate refuses its renewal to its holder, also when it was replaced since, and to no other pod', async () => {
    const { ask, row, revoke, lift } = await enrolled();
    await ask();
    const serials = [(await row('pod-1'))?.serial ?? ''];
    await ask();
    serials.push((await row('pod-1'))?.serial ?? '');
    const marks = serials.map((subject) => ({ kind: 'certificate', subject }) as const);
    for (const mark of marks) valueOf(await revoke(mark));
    expect(await ask()).toMatchObject(REFUSED);
    expect(await ask('pod-2')).toMatchObject(ISSUED);
    // Either of the two marks is enough.
    valueOf(await lift(marks[0] as RevocationMark));
    expect(await ask()).toMatchObject(REFUSED);
    valueOf(await lift(marks[1] as RevocationMark));
    expect(await ask()).toMatchObject(ISSUED);
  });

  it('is seen in the ledger and the audit, and outlives the object’s memory', async () => {
    const { domain, info, stub, issuer, identity, ask, row, revoke, lift } = await enrolled();
    await ask();
    expect((await row('pod-1'))?.revoked).toBeNull();
    const mark = { kind: 'identity', subject: identity } as const;
    valueOf(await revoke(mark));
    await evictDurableObject(stub);
    expect((await row('pod-1'))?.revoked).toBe('identity');
    expect(await ask()).toMatchObject(REFUSED);
    expect(valueOf(await issuer.revocations())).toMatchObject([{ ...mark, by: 'ada', reason: 'stolen' }]);
    valueOf(await lift(mark));
    expect((await row('pod-1'))?.revoked).toBeNull();
    const said = valueOf(await domain.rpc.audit({})).rows.filter(({ action }) => action.startsWith('certificate.'));
    expect(said).toMatchObject([
      { action: 'certificate.revoke', subject: info.name, actor: ADMIN, detail: { ...mark, reason: 'stolen' } },
      { action: 'certificate.unrevoke', subject: info.name, actor: ADMIN, detail: { ...mark, reasonBefore: 'stolen' } },
    ]);
  });

  it('made again changes nothing', async () => {
    const { identity, issuer, domain, info, revoke } = await enrolled();
    const first = valueOf(await revoke({ kind: 'identity', subject: identity }));
    const again = valueOf(
      await domain.rpc.revoke(ADMIN, info.name, { kind: 'identity', subject: identity, reason: 'other' }),
    );
    expect(again).toEqual(first);
    expect(valueOf(await issuer.revocations())).toHaveLength(1);
  });

  it('raced against issuance: nothing that it concerns is issued after its answer', async () => {
    const { identity, ask, row, revoke } = await enrolled();
    const asking = Array.from({ length: 40 }, async (_, at) => {
      await new Promise((resolve) => setTimeout(resolve, at % 7));
      return ask(`pod-${at}`);
    });
    await Promise.all(asking.slice(0, 10));
    const { at } = valueOf(await revoke({ kind: 'identity', subject: identity }));
    const after = await Promise.all(Array.from({ length: 10 }, (_, n) => ask(`late-${n}`)));
    expect(after.map((answer) => answer?.status)).toEqual(after.map(() => 'refused'));
    await Promise.all(asking);
    const rows = await Promise.all(Array.from({ length: 40 }, (_, n) => row(`pod-${n}`)));
    for (const held of rows) if (held !== undefined) expect(held.issuedAt).toBeLessThanOrEqual(at);
    expect(await row('late-0')).toBeUndefined();
  });

  it.each<[string, (identity: string) => RevocationMark, string, RegExp]>([
    [
      'of a serial that the ledger does not have',
      () => ({ kind: 'certificate', subject: 'ab'.repeat(16) }),
      'not-found',
      /no certificate abab/,
    ],
    [
      'of a serial that is none',
      () => ({ kind: 'certificate', subject: 'xy' }),
      'invalid',
      /32 lower-case hexadecimal/,
    ],
    [
      'of an identity of another trust domain',
      () => ({ kind: 'identity', subject: 'spiffe://other/ns/a/sa/b' }),
      'invalid',
      /not an identity of/,
    ],
    [
      'of an identity that is none',
      () => ({ kind: 'identity', subject: 'bookinfo/productpage' }),
      'invalid',
      /begins with spiffe/,
    ],
    ['of a node that is none', () => ({ kind: 'node', subject: 'Node A' }), 'invalid', /name of a Kubernetes node/],
  ])('%s is refused, with the reason', async (_what, mark, code, detail) => {
    const { identity, issuer, revoke } = await enrolled();
    const failure = failureOf(await revoke(mark(identity)));
    expect(failure).toMatchObject({ code, detail: expect.stringMatching(detail) as string });
    expect(valueOf(await issuer.revocations())).toEqual([]);
  });

  it('that is not there cannot be lifted, and one of an unknown cluster names it', async () => {
    const { domain, lift } = await enrolled();
    expect(failureOf(await lift({ kind: 'node', subject: NODE })).code).toBe('not-found');
    const unknown = uniqueName('cluster');
    const made = await domain.rpc.revoke(ADMIN, unknown, { kind: 'node', subject: NODE, reason: 'x' });
    expect(failureOf(made)).toMatchObject({ code: 'not-found', detail: expect.stringContaining(unknown) as string });
  });

  it('of the serving certificate of the agent is refused: it is replaced', async () => {
    const { issuer, revoke } = await enrolled();
    const packed = packServing(servingRequest(valueOf(await issuer.snapshot()), await publicKey()));
    expect(decoded(await issuer.serving(packed)).status).toBe(200);
    const [serving] = valueOf(await issuer.certificates({})).rows;
    expect(failureOf(await revoke({ kind: 'certificate', subject: serving?.serial ?? '' })).code).toBe('invalid');
  });
});

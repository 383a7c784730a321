import { evictDurableObject } from 'cloudflare:test';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeBatchAnswer } from '../../../ca-service/src/client/protocol.ts';
import type { RevocationMark } from '../../../ca-service/src/objects/rpc.ts';
import { ADMIN, trustDomain } from '../support/deployment.ts';
import { caller, decoded, issueRequest, pack } from '../support/requests.ts';

const ACCOUNTS = ['productpage', 'reviews'] as const;
const NODES = ['node-a', 'node-b'] as const;

type Mark = { kind: 'identity'; of: (typeof ACCOUNTS)[number] } | { kind: 'node'; of: (typeof NODES)[number] };
type Command =
  | { op: 'issue'; account: (typeof ACCOUNTS)[number]; node: (typeof NODES)[number] }
  | { op: 'revoke'; mark: Mark }
  | { op: 'lift'; mark: Mark }
  | { op: 'disable' }
  | { op: 'evict' };

/** What a command came to; the ticks are of one counter, so that they tell what began after what had ended. */
interface Done {
  command: Command;
  began: number;
  ended: number;
  /** Of an issuance: a certificate. Of a stop: it was acknowledged as enforced. */
  done: boolean;
}

const mark: fc.Arbitrary<Mark> = fc.oneof(
  fc.constantFrom(...ACCOUNTS).map((of): Mark => ({ kind: 'identity', of })),
  fc.constantFrom(...NODES).map((of): Mark => ({ kind: 'node', of })),
);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      op: fc.constant('issue' as const),
      account: fc.constantFrom(...ACCOUNTS),
      node: fc.constantFrom(...NODES),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('revoke' as const), mark }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('lift' as const), mark }) },
  { weight: 1, arbitrary: fc.constant({ op: 'disable' as const }) },
  { weight: 1, arbitrary: fc.constant({ op: 'evict' as const }) },
);
/** Milliseconds before a command begins; none waits for the one before. */
const schedule = fc.array(fc.record({ command, afterMs: fc.nat({ max: 6 }) }), { minLength: 10, maxLength: 40 });

const concerns = (stop: Mark, { account, node }: Extract<Command, { op: 'issue' }>): boolean =>
  stop.of === (stop.kind === 'identity' ? account : node);
const same = (one: Mark, other: Mark): boolean => one.kind === other.kind && one.of === other.of;

/** Issuances that began after a stop which concerns them had been acknowledged, and got a certificate all the same. */
function violations(history: readonly Done[]): string[] {
  return history.flatMap((issued) => {
    const { command: asked } = issued;
    if (asked.op !== 'issue' || !issued.done) return [];
    const before = history.filter(({ ended, done }) => done && ended < issued.began);
    const stopped = before.some((stop) => {
      const { command: by } = stop;
      if (by.op === 'disable') return true;
      if (by.op !== 'revoke' || !concerns(by.mark, asked)) return false;
      // Whatever lifted it, or may have, between the two.
      return !history.some(
        ({ command: other, began, ended }) =>
          other.op === 'lift' && same(other.mark, by.mark) && ended > stop.began && began < issued.ended,
      );
    });
    return stopped ? [`${JSON.stringify(asked)} began at ${issued.began}`] : [];
  });
}

async function run(commands: readonly { command: Command; afterMs: number }[]): Promise<Done[]> {
  const domain = await trustDomain();
  const { issuer, stub, info } = await domain.enrol();
  const revocation = ({ kind, of }: Mark): RevocationMark => ({
    kind,
    subject: kind === 'node' ? of : `spiffe://${domain.name}/ns/bookinfo/sa/${of}`,
  });
  const acts: { [Op in Command['op']]: (command: Extract<Command, { op: Op }>) => Promise<boolean> } = {
    async issue({ account, node }) {
      const snapshot = await issuer.snapshot();
      if (!snapshot.ok) return false;
      const request = await issueRequest(snapshot.value, [{ serviceAccount: account }], {
        callers: [{ ...caller(`pod-${account}-${node}`), node }],
      });
      const answer = await issuer.issue(pack(request));
      if (!answer.ok) return false;
      const { status, body } = decoded(answer);
      return status === 200 && decodeBatchAnswer(body).items[0]?.status === 'issued';
    },
    revoke: async (asked) =>
      (await domain.rpc.revoke(ADMIN, info.name, { ...revocation(asked.mark), reason: 'raced' })).ok,
    lift: async (asked) => (await domain.rpc.liftRevocation(ADMIN, info.name, revocation(asked.mark))).ok,
    async disable() {
      const answer = await domain.rpc.disableCluster(ADMIN, info.name);
      return answer.ok && answer.value.enforced;
    },
    async evict() {
      await evictDurableObject(stub);
      return true;
    },
  };
  let tick = 0;
  const running: Promise<Done>[] = [];
  for (const { command: next, afterMs } of commands) {
    // Commands begin in their order, each some time after the one before.
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    const began = ++tick;
    // An object that is evicted under a call fails that call, which is then neither issued nor acknowledged.
    const act = (acts[next.op] as (asked: Command) => Promise<boolean>)(next).catch(() => false);
    running.push(act.then((done) => ({ command: next, began, ended: ++tick, done })));
  }
  return Promise.all(running);
}

it(
  'no certificate is begun after an acknowledged stop, whatever runs at the same time',
  { timeout: 120_000 },
  async () => {
    let certificates = 0;
    let stops = 0;
    await fc.assert(
      fc.asyncProperty(schedule, async (commands) => {
        const history = await run(commands);
        certificates += history.filter(({ command: { op }, done }) => op === 'issue' && done).length;
        stops += history.filter(({ command: { op }, done }) => (op === 'revoke' || op === 'disable') && done).length;
        expect(violations(history)).toEqual([]);
      }),
      { numRuns: 20 },
    );
    // That it raced anything at all.
    expect(certificates).toBeGreaterThan(20);
    expect(stops).toBeGreaterThan(20);
  },
);

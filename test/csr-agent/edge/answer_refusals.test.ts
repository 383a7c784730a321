import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SigningOutcome } from '../../../csr-agent/src/steps.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { forgeLeaf, makeAnswerKey } from '../support/authority.ts';
import { edgeConfig, signingRequest, testEdge, type TestEdge, until } from '../support/edge.ts';
import { type Answer, FakeCa, problem } from '../support/fake_ca.ts';

let ca: FakeCa;
let made: TestEdge;

beforeEach(async () => {
  ca = await FakeCa.start();
  made = testEdge(edgeConfig(ca));
  await made.edge.start();
  await until(() => made.edge.state().up);
});

afterEach(async () => {
  await made.edge.stop();
  await ca.down();
});

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const issuedAnswers = (): number => ca.batches.length;

/** How a request ends whose answers were tampered with until the agent had tried again, or had given the CA up for now. */
async function outcomeOf(
  tampering: FakeCa['tamper'],
  leaveAlone = (): unknown => null,
): Promise<{ whileTampered: SigningOutcome | null; afterwards: SigningOutcome }> {
  ca.tamper = tampering;
  let whileTampered: SigningOutcome | null = null;
  const outcome = made.edge.signer.sign(signingRequest()).then((result) => (whileTampered ??= result));
  const before = issuedAnswers();
  await until(() => issuedAnswers() > before + 1 || !made.edge.state().up);
  const early = whileTampered;
  ca.tamper = (_kind, answer) => answer;
  leaveAlone();
  return { whileTampered: early, afterwards: await outcome };
}

const ourTrouble = { whileTampered: null, afterwards: expect.objectContaining({ ok: true }) as SigningOutcome };

const only =
  (alter: (answer: Answer) => ReturnType<FakeCa['tamper']>): FakeCa['tamper'] =>
  (kind, answer) =>
    kind === 'issue' ? alter(answer) : answer;

const replaced = (body: Uint8Array, from: string, to: string): Uint8Array =>
  Buffer.from(Buffer.from(body).toString().replace(from, to));

function refusalsInPlaceOf({ body }: Answer): object {
  const { items, ...rest } = JSON.parse(Buffer.from(body).toString()) as { items: { id: string }[] };
  return {
    ...rest,
    items: items.map(({ id }) => ({ id, status: 'refused', code: 'policy', reason: 'by a stranger' })),
  };
}

const tamperings: [string, FakeCa['tamper']][] = [
  [
    'a body that was altered on the way',
    only((answer) => ({ ...answer, body: replaced(answer.body, '"status":"issued"', '"status":"issueD"') })),
  ],
  [
    'a refusal put in place of a certificate, with a digest that fits',
    only(async (answer) => {
      const forged = await ca.signed(200, refusalsInPlaceOf(answer), `${'A'.repeat(86)}==`);
      return { ...forged, headers: { ...forged.headers, signature: answer.headers['signature'] ?? '' } };
    }),
  ],
  [
    'a refusal put in place of a certificate, under the digest of what was signed',
    only((answer) => ({ ...answer, body: Buffer.from(JSON.stringify(refusalsInPlaceOf(answer))) })),
  ],
  ['a status that was altered', only((answer) => ({ ...answer, status: 201 }))],
  ['no signature', only(({ status, body }) => ({ status, body, headers: { 'content-type': 'application/json' } }))],
  [
    'a refusal without a signature',
    only(() => ({ status: 403, headers: {}, body: Buffer.from(JSON.stringify(problem(403, 'cluster-disabled'))) })),
  ],
  [
    'an error page of a proxy',
    only(() => ({ status: 502, headers: { 'content-type': 'text/html' }, body: Buffer.from('<h1>') })),
  ],
  ['a redirect', only(() => ({ status: 307, headers: { location: 'http://127.0.0.1:1/' }, body: Buffer.from('') }))],
  [
    'a signature by a key that nobody certified',
    only(async (answer) => {
      const body = JSON.parse(Buffer.from(answer.body).toString()) as object;
      return ca.signed(200, body, ca.lastSignature, generateNodeKey('ec-p256'));
    }),
  ],
  ['an answer that is larger than any', only((answer) => ({ ...answer, body: Buffer.alloc(2_000_000) }))],
  ['a connection that is cut', only(() => 'cut')],
];

const unsigned = (minutes: number) =>
  only(() => ({
    status: 401,
    headers: { date: new Date(Date.now() + minutes * 60_000).toUTCString() },
    body: Buffer.from(JSON.stringify(problem(401, 'agent-token'))),
  }));
const reasons = () => made.log.flatMap(({ reason }) => (typeof reason === 'string' ? [reason] : []));

describe('an answer without a signature', () => {
  it.each([
    [120, 'our clock is 120 min behind that of who answered'],
    [-120, 'our clock is 120 min ahead of that of who answered'],
  ])('by a clock %i min from ours names the clock, and what to do', async (minutes, expected) => {
    await outcomeOf(unsigned(minutes));
    expect(reasons()).toContainEqual(expect.stringContaining(`${expected}: set the clock of this node`));
  });

  it('by a clock like ours does not', async () => {
    await outcomeOf(unsigned(0));
    expect(reasons()).toContainEqual(expect.stringContaining('HTTP 401 without a signature: agent-token'));
    expect(reasons().join()).not.toContain('clock');
  });
});

describe('an answer that the CA did not give is trouble of ours and never a verdict', () => {
  it.each(tamperings)('%s', async (_what, tampering) => {
    expect(await outcomeOf(tampering)).toEqual(ourTrouble);
  });

  it('the answer to an earlier request', async () => {
    const answers: Answer[] = [];
    ca.tamper = only((answer) => {
      answers.push(answer);
      return answer;
    });
    await made.edge.signer.sign(signingRequest());
    expect(await outcomeOf(only((answer) => answers[0] ?? answer))).toEqual(ourTrouble);
  });

  it('a signed answer about other items', async () => {
    ca.shape = (kind, body) => {
      const { items = [] } = body as { items?: object[] };
      return kind === 'issue' ? { ...body, items: items.map((item) => ({ ...item, id: 'another' })) } : body;
    };
    const leaveAlone = () => (ca.shape = (_kind, body) => body);
    expect(await outcomeOf((_kind, answer) => answer, leaveAlone)).toEqual(ourTrouble);
  });

  it('a signed 5xx', async () => {
    ca.shape = (kind, body) => (kind === 'issue' ? problem(503, 'kek-missing') : body);
    let settled = false;
    const outcome = made.edge.signer.sign(signingRequest()).finally(() => (settled = true));
    await until(() => !made.edge.state().up);
    expect(settled).toBe(false);
    expect(made.log.some(({ reason }) => String(reason).includes('kek-missing'))).toBe(true);
    ca.shape = (_kind, body) => body;
    expect(await outcome).toMatchObject({ ok: true });
  });
});

describe('an answer key', () => {
  it('that was replaced is fetched with the trust document, and the request succeeds', async () => {
    ca.answerKey = makeAnswerKey(ca.serving);
    ca.epoch++;
    expect(await made.edge.signer.sign(signingRequest())).toMatchObject({ ok: true });
  });

  it('that an svid intermediate certified is refused', async () => {
    // An svid intermediate that was stolen: it makes what it likes, and its constraints are all there is against it.
    const key = generateNodeKey('ec-p256');
    const wish = { profile: 'answer', dnsNames: ['answers.ambient-ca.invalid'], spki: key.spki } as const;
    const certificate = forgeLeaf(ca.svid, wish);
    ca.document = (document) => ({
      ...document,
      epoch: 99,
      answerKey: { certificate: base64(certificate), issuer: ca.svid.id },
      intermediates: document.intermediates.map((each) => ({ ...each, purpose: 'serving' as const })),
    });
    ca.tamper = async (kind, answer) => {
      const body = JSON.parse(Buffer.from(answer.body).toString()) as object;
      return kind === 'issue' || kind === 'trust' ? ca.signed(200, body, ca.lastSignature, key) : answer;
    };
    let settled = false;
    const outcome = made.edge.signer.sign(signingRequest()).finally(() => (settled = true));
    await until(() => !made.edge.state().up);
    expect(settled).toBe(false);
    expect(made.edge.state().epoch).toBe(7);
    expect(made.log.some(({ reason }) => String(reason).includes('answer-key-untrusted'))).toBe(true);
    ca.document = (document) => document;
    ca.tamper = (_kind, answer) => answer;
    expect(await outcome).toMatchObject({ ok: true });
  });
});

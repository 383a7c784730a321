import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bootOf } from '../../../ca-service/src/client/message_signature.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { makeIntermediate, makeLeaf } from '../support/authority.ts';
import { csrFor, edgeConfig, signingRequest, testEdge, type TestEdge, until } from '../support/edge.ts';
import { FakeCa } from '../support/fake_ca.ts';

let ca: FakeCa;
let made: TestEdge;

beforeEach(async () => {
  ca = await FakeCa.start();
  made = testEdge(edgeConfig(ca));
  await made.edge.start();
  await until(() => made.edge.serving.current() !== null);
});

afterEach(async () => {
  await made.edge.stop();
  await ca.down().catch(() => {});
});

const sign = (changes: Parameters<typeof signingRequest>[0] = {}) => made.edge.signer.sign(signingRequest(changes));
const callers = () => ca.batches.map((batch) => batch.callers);

describe('tokens', () => {
  it('a token travels once, sealed, and then by its hash', async () => {
    await sign();
    await sign();
    expect(ca.openedTokens).toEqual(['token-of-ztunnel-uid']);
    expect(callers().map(([caller]) => caller?.token === undefined)).toEqual([false, true]);
    expect(JSON.stringify(ca.batches)).not.toContain('token-of-ztunnel-uid');
  });

  it('one that the edge has forgotten is sent again when it asks', async () => {
    await sign();
    ca.knownTokens.clear();
    expect(await sign()).toMatchObject({ ok: true });
    expect(callers().map(([caller]) => caller?.token === undefined)).toEqual([false, true, false]);
    // The same JWE: a token is sealed once for each evidence key.
    expect(callers()[2]?.[0]?.token).toBe(callers()[0]?.[0]?.token);
  });

  it('a CA that was restarted gets them with the next call, without asking', async () => {
    await sign();
    ca.restart();
    await made.edge.signer.sign(signingRequest());
    await sign({ podUid: 'other' });
    const asked = ca.requests.filter(({ kind }) => kind === 'issue').length;
    // one, then `again` and its repetition, and one more
    expect(asked).toBeLessThanOrEqual(5);
    expect(ca.openedTokens.length).toBe(3);
  });

  it('one sealed to a key that the cluster has replaced is sealed anew', async () => {
    await sign();
    const old = ca.evidence;
    ca.evidence = { ...new FakeCa().evidence };
    ca.epoch++;
    ca.knownTokens.clear();
    ca.verdict = ({ id }, { callers: [caller] }) =>
      caller?.token !== undefined && decodeKid(caller.token) === old.kid ? { id, status: 'token-needed' } : null;
    expect(await sign()).toMatchObject({ ok: true });
  });

  it('callers stand once in a batch, whatever they ask for', async () => {
    await Promise.all([sign(), sign(), sign({ podUid: 'other' })]);
    const [batch] = ca.batches;
    expect(batch?.callers.map(({ pod }) => pod.uid)).toEqual(['ztunnel-uid', 'other']);
    expect(batch?.items.map(({ caller }) => caller).sort()).toEqual([0, 0, 1]);
  });

  it('the target goes along with an impersonation, and only then', async () => {
    await sign();
    await sign({ impersonated: false });
    expect(ca.batches.map(({ items: [item] }) => item?.target)).toEqual([{ name: 'web-1', uid: 'web-uid' }, undefined]);
  });
});

function decodeKid(jwe: string): unknown {
  const [header = ''] = jwe.split('.');
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: unknown }).kid;
}

describe('verdicts', () => {
  it.each([
    ['csr-invalid', 'csr'],
    ['possession', 'csr'],
    ['token-expired', 'refused'],
    ['identity-mismatch', 'refused'],
    ['namespace-not-enrolled', 'refused'],
    ['policy', 'refused'],
  ] as const)('%s is answered at once as %s, with its reason for the log', async (code, kind) => {
    ca.verdict = ({ id }) => ({ id, status: 'refused', code, reason: 'because' });
    expect(await sign()).toEqual({ ok: false, kind, code, reason: 'because' });
  });

  it('wait is asked for again after its time', async () => {
    let told = 0;
    ca.verdict = ({ id }) => (told++ === 0 ? { id, status: 'wait', retryAfterMs: 300 } : null);
    const before = Date.now();
    expect(await sign()).toMatchObject({ ok: true });
    expect(Date.now() - before).toBeGreaterThanOrEqual(295);
  });

  it('one bad certificate in a batch is fetched again, and the others are handed out at once', async () => {
    let spoiled = 0;
    ca.verdict = ({ id, identity }) => {
      if (identity.endsWith('/bad') && spoiled++ < 2) {
        const wish = { profile: 'svid', uri: identity, spki: generateNodeKey('ec-p256').spki } as const;
        const certificate = Buffer.from(makeLeaf(ca.svid, wish)).toString('base64');
        return { id, status: 'issued', certificate, issuer: ca.svid.id };
      }
      return null;
    };
    ca.knownTokens.add(signingRequest().caller.tokenHash);
    const identity = { trustDomain: 'cluster.local', namespace: 'default', serviceAccount: 'bad' };
    const outcomes = await Promise.all([sign(), sign({ identity }), sign()]);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true]);
    expect(spoiled).toBeGreaterThanOrEqual(2);
    expect(await made.registry.getSingleMetricAsString('ambient_ca_agent_item_verdicts_total')).toContain(
      'verdict="bad"} 2',
    );
  });

  it('a fault of ours in one answer is logged, and costs the others of its batch nothing', async () => {
    ca.knownTokens.add(signingRequest().caller.tokenHash);
    const identity = { trustDomain: 'cluster.local', namespace: 'default', serviceAccount: 'odd' };
    const csr = csrFor('spiffe://cluster.local/ns/default/sa/odd');
    let faults = 0;
    const odd = Object.defineProperty({ ...csr }, 'spki', {
      get() {
        if (faults++ < 2) throw new TypeError('odd');
        return csr.spki;
      },
    });
    const outcomes = await Promise.all([sign(), sign({ identity, csr: odd }), sign()]);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true]);
    // The first call and the two repetitions: the others were in the first one only.
    expect(ca.batches.map(({ items }) => items.length)).toEqual([3, 1, 1]);
    const said = made.log.filter(({ msg }) => msg.includes('a fault of the agent'));
    expect(said).toEqual(
      [0, 1].map(() => expect.objectContaining({ level: 50, requestId: expect.any(String) as string })),
    );
    expect(said[0]?.['err']).toMatchObject({ type: 'TypeError', stack: expect.stringContaining('odd') as string });
  });

  it('an intermediate that is not known yet is looked up, and the certificate is not asked for twice', async () => {
    await sign();
    const [root] = ca.roots;
    if (root === undefined) throw new Error('no root');
    ca.others = [ca.svid];
    ca.svid = await makeIntermediate(root, 'svid');
    ca.epoch++;
    const before = ca.batches.length;
    expect(await sign()).toMatchObject({ ok: true, issuer: ca.svid.id });
    expect(ca.batches.length - before).toBe(1);
  });
});

describe('again', () => {
  it('a restarted CA is answered by its new boot, at once', async () => {
    await sign();
    ca.restart();
    const before = Date.now();
    expect(await sign()).toMatchObject({ ok: true });
    expect(Date.now() - before).toBeLessThan(1_000);
    const nonce = /nonce="([^"]+)"/.exec(String(ca.requests.at(-1)?.headers['signature-input']))?.[1] ?? '';
    expect(bootOf(nonce)).toBe(ca.boot);
  });

  it('each request has a nonce of its own', async () => {
    await sign();
    await sign();
    const inputs = ca.requests.map(({ headers }) => headers['signature-input']);
    expect(new Set(inputs).size).toBe(inputs.length);
  });

  it('without end is given up as trouble of ours', async () => {
    let settled = false;
    ca.tamper = async (kind, answer) =>
      kind === 'issue'
        ? ca.signed(
            409,
            {
              type: 'urn:ambient-ca:problem:again',
              title: 'again',
              status: 409,
              code: 'again',
              boot: ca.boot,
              time: ca.now,
            },
            ca.lastSignature,
          )
        : answer;
    const outcome = sign().finally(() => (settled = true));
    await until(() => !made.edge.state().up);
    expect(settled).toBe(false);
    ca.tamper = (_kind, answer) => answer;
    expect(await outcome).toMatchObject({ ok: true });
  });
});

describe('the clock', () => {
  it('is measured from the answers, and requests are stamped by that of the CA', async () => {
    ca.clockOffset = 60_000;
    ca.restart();
    await sign();
    await sign();
    expect(made.edge.state().skewMs).toBeGreaterThan(59_000);
    expect(made.edge.state().skewMs).toBeLessThan(61_000);
    const [item] = ca.batches.at(-1)?.items ?? [];
    expect(Math.abs((item?.receivedAt ?? 0) - ca.now)).toBeLessThan(2_000);
    const created = Number(/created=(\d+)/.exec(String(ca.requests.at(-1)?.headers['signature-input']))?.[1]);
    expect(Math.abs(created * 1000 - ca.now)).toBeLessThan(2_000);
    expect(made.log.some(({ msg }) => msg === 'our clock is off')).toBe(true);
  });

  it('that is off by more than certificates are back-dated holds requests, says so, and lets them go when it is set', async () => {
    ca.clockOffset = 400_000;
    ca.restart();
    // The call that finds out is under way already.
    await sign();
    expect(made.log.some(({ msg }) => msg.startsWith('our clock is off by more'))).toBe(true);
    const before = ca.batches.length;
    let settled = false;
    const held = sign().finally(() => (settled = true));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(settled).toBe(false);
    expect(ca.batches.length).toBe(before);
    ca.clockOffset = 0;
    expect(await held).toMatchObject({ ok: true });
  });
});

describe('a disabled cluster', () => {
  it('is an outage to the agent: requests are held, and go on when it is enabled again', async () => {
    ca.enabled = false;
    let settled = false;
    const outcome = sign().finally(() => (settled = true));
    await until(() => made.log.some(({ reason }) => reason === 'the cluster is disabled at the CA'));
    const before = ca.requests.filter(({ kind }) => kind === 'issue').length;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(settled).toBe(false);
    expect(ca.requests.filter(({ kind }) => kind === 'issue').length).toBe(before);
    ca.enabled = true;
    ca.epoch++;
    expect(await outcome).toMatchObject({ ok: true });
  });
});

describe('the connection', () => {
  it('that the CA closed between two calls costs one repetition and no failure', async () => {
    await sign();
    await ca.down();
    await ca.up();
    expect(await sign()).toMatchObject({ ok: true });
    expect(made.log.some(({ msg }) => msg === 'requests are held')).toBe(false);
  });

  it('that hangs ends at the deadline, and the request is sent again', { timeout: 15_000 }, async () => {
    ca.tamper = (kind, answer) => (kind === 'issue' ? 'hang' : answer);
    const outcome = sign();
    await until(() => ca.batches.length > 0);
    ca.tamper = (_kind, answer) => answer;
    const before = Date.now();
    expect(await outcome).toMatchObject({ ok: true });
    expect(Date.now() - before).toBeLessThan(7_000);
  });

  it('that comes back after an outage lets held requests go within a second', async () => {
    await sign();
    await ca.down();
    const all = Array.from({ length: 40 }, (_, i) => sign({ podUid: `pod-${i}` }));
    await until(() => !made.edge.state().up);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await ca.up();
    ca.restart();
    const before = Date.now();
    expect((await Promise.all(all)).every(({ ok }) => ok)).toBe(true);
    expect(Date.now() - before).toBeLessThan(1_200);
  });
});

import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { crossCertificate, makeRoot } from '../support/authority.ts';
import { edgeConfig, type LogLine, signingRequest, testEdge, type TestEdge, until } from '../support/edge.ts';
import { FakeCa } from '../support/fake_ca.ts';

let ca: FakeCa;
let made: TestEdge;

beforeEach(async () => {
  ca = await FakeCa.start();
  made = testEdge(edgeConfig(ca));
});

afterEach(async () => {
  await made.edge.stop();
  await ca.down().catch(() => {});
});

async function start(): Promise<void> {
  await made.edge.start();
  await until(() => made.edge.state().up && made.edge.serving.current() !== null);
}

/** Another agent process on the same state folder. */
async function restart(changes: Partial<TestEdge['config']> = {}): Promise<void> {
  await made.edge.stop();
  made = testEdge({ ...made.config, ...changes });
}

const file = (): string => join(made.config.stateDir, 'trust.json');
const changes = (): LogLine[] => made.log.filter(({ msg }) => msg === 'trust changed');
/** Makes the agent fetch the trust document: an answer tells of a newer one. */
async function noticed(): Promise<void> {
  const before = ca.requests.filter(({ kind }) => kind === 'trust').length;
  await made.edge.signer.sign(signingRequest());
  await until(() => ca.requests.filter(({ kind }) => kind === 'trust').length > before);
  await new Promise((resolve) => setTimeout(resolve, 50));
}

describe('what was accepted', () => {
  it('is stored for the owner alone, and taken up by the next process with the CA away', async () => {
    await start();
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(statSync(join(made.config.stateDir, 'serving.json')).mode & 0o777).toBe(0o600);
    const shown = made.edge.serving.current();
    await ca.down();
    await restart();
    await made.edge.start();
    expect(made.edge.serving.current()).toEqual(shown);
    expect(made.edge.state()).toMatchObject({ bundleVersion: 3, epoch: 7 });
  });

  it('serves requests as soon as the CA is back', async () => {
    await start();
    await ca.down();
    await restart();
    await made.edge.start();
    const outcome = made.edge.signer.sign(signingRequest());
    await until(() => !made.edge.state().up);
    await ca.up();
    expect(await outcome).toMatchObject({ ok: true });
  });

  it('outlives the pins: other pins change nothing', async () => {
    await start();
    await restart({ rootPin: ['00'.repeat(32)] });
    await start();
    expect(made.edge.state().bundleVersion).toBe(3);
  });

  it('stops the agent when it cannot be read, instead of starting from the pins again', async () => {
    mkdirSync(made.config.stateDir, { recursive: true });
    writeFileSync(file(), '{"version":1,"document":{}}');
    await expect(made.edge.start()).rejects.toMatchObject({ code: 'state-unreadable' });
  });

  it('stops the agent when it is of another cluster', async () => {
    await start();
    const stored = readFileSync(file(), 'utf8');
    await restart({ cluster: 'east' });
    await expect(made.edge.start()).rejects.toMatchObject({ code: 'trust-foreign' });
    expect(readFileSync(file(), 'utf8')).toBe(stored);
  });

  it('is not believed by a pin of another root', async () => {
    made = testEdge({ ...made.config, rootPin: ['00'.repeat(32)] });
    await made.edge.start();
    await until(() => made.log.some(({ reason }) => String(reason).includes('root-not-accepted')));
    expect(made.edge.state()).toMatchObject({ up: false, bundleVersion: null, servingNotAfter: null });
  });
});

describe('a change of trust', () => {
  it('by cross-certificate is followed, stored, logged and handed out', async () => {
    await start();
    const [a] = ca.roots;
    const b = await makeRoot();
    if (a === undefined) throw new Error('no root');
    ca.roots = [b, a];
    ca.crosses = [await crossCertificate(b, a)];
    ca.bundleVersion = 4;
    ca.epoch = 8;
    await ca.generation(b);
    const outcome = await made.edge.signer.sign(signingRequest());
    if (!outcome.ok) throw new Error(outcome.reason);
    // leaf, intermediate of B, cross-certificate of B by A, both roots
    expect(outcome.chain.length).toBe(4);
    expect(outcome.chain[3]?.match(/BEGIN/g)?.length).toBe(2);
    expect(changes().at(-1)).toMatchObject({ bundleVersion: 4, epoch: 8, rootsAdded: [b.pin], activeRoot: b.pin });
    expect(readFileSync(file(), 'utf8')).toContain(Buffer.from(b.der).toString('base64'));
    await until(() => made.log.filter(({ msg }) => msg === 'serving certificate issued').length > 0);
  });

  it('that adds a root without a cross-certificate is refused, and requests go on under the old one', async () => {
    await start();
    ca.roots = [...ca.roots, await makeRoot()];
    ca.bundleVersion = 4;
    await noticed();
    expect(made.edge.state().bundleVersion).toBe(3);
    expect(await made.edge.signer.sign(signingRequest())).toMatchObject({ ok: true });
    expect(await made.registry.getSingleMetricAsString('ambient_ca_agent_trust_refused_total')).toContain(
      'code="root-not-accepted"',
    );
  });

  it('back to a lower version is refused, from whoever it comes', async () => {
    await start();
    ca.bundleVersion = 2;
    ca.epoch = 8;
    await noticed();
    expect(made.edge.state()).toMatchObject({ bundleVersion: 3, epoch: 7 });
  });

  it('requests state the version that is handed out', async () => {
    await start();
    await made.edge.signer.sign(signingRequest());
    expect(ca.batches.at(-1)?.bundleVersion).toBe(3);
    ca.bundleVersion = 5;
    ca.epoch = 9;
    await noticed();
    await made.edge.signer.sign(signingRequest());
    expect(ca.batches.at(-1)?.bundleVersion).toBe(5);
  });
});

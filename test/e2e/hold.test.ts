import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Ztunnel } from '../support/client/ztunnel.ts';
import { Dev, nodePods } from '../support/dev.ts';
import { sleep } from '../support/processes.ts';
import type { Pod } from '../support/token.ts';

// DESIGN §6, the hold: while the CA is away, a renewal is an open call and not an error.
const { ztunnel, pods } = nodePods('node-1', ['a', 'b', 'c']);
const [A, B, C] = pods as [Pod, Pod, Pod];
/** Longer than one attempt upstream may take (5 s), so that at least one has failed. */
const AWAY = 7_000;

let dev: Dev;
let shared: Ztunnel;

beforeAll(async () => {
  dev = await Dev.start({ pods: [ztunnel, ...pods] });
  shared = new Ztunnel({ ...dev.address, mode: 'shared', token: () => dev.token(ztunnel) });
});
afterAll(async () => {
  shared.close();
  await dev.stop();
});
afterEach(() => {
  process.kill(dev.info.ca.pid, 'SIGCONT');
});

describe('a renewal while the CA is away', () => {
  test('is held and answered when a stopped CA goes on', async () => {
    const first = await shared.fetchCertificate(dev.identity(A));
    process.kill(dev.info.ca.pid, 'SIGSTOP');
    const renewal = shared.fetchCertificate(dev.identity(A));
    let answered = false;
    void renewal.finally(() => (answered = true)).catch(() => undefined);
    await sleep(AWAY);
    expect(answered).toBe(false);
    process.kill(dev.info.ca.pid, 'SIGCONT');
    const second = await renewal;
    expect(second.leaf.serialNumber).not.toBe(first.leaf.serialNumber);
  });

  test('is held and answered when a killed CA was started again', async () => {
    await shared.fetchCertificate(dev.identity(B));
    const ca = dev.info.ca.pid;
    process.kill(dev.supervisor, 'SIGSTOP');
    try {
      process.kill(ca, 'SIGKILL');
      const renewal = shared.fetchCertificate(dev.identity(B));
      let answered = false;
      void renewal.finally(() => (answered = true)).catch(() => undefined);
      await sleep(AWAY);
      expect(answered).toBe(false);
      process.kill(dev.supervisor, 'SIGCONT');
      expect((await renewal).identity).toBe(dev.identity(B));
    } finally {
      process.kill(dev.supervisor, 'SIGCONT');
    }
    await dev.replaced('ca', ca);
  });

  test('does not keep a refusal of another waiting, and eight of them do not block the agent', async () => {
    await Promise.all(pods.map((pod) => shared.fetchCertificate(dev.identity(pod))));
    process.kill(dev.info.ca.pid, 'SIGSTOP');
    const renewals = Array.from({ length: 7 }, (_, i) => shared.fetchCertificate(dev.identity(pods[i % 3]!)));
    const refused = shared.fetchCertificate(dev.identity({ namespace: 'default', serviceAccount: 'nobody' }));
    await expect(refused).rejects.toMatchObject({ code: 16 });
    process.kill(dev.info.ca.pid, 'SIGCONT');
    expect((await Promise.all(renewals)).map((each) => each.identity)).toHaveLength(7);
  });

  test('that its client gave up leaves nothing behind that harms the next', async () => {
    await shared.fetchCertificate(dev.identity(C));
    process.kill(dev.info.ca.pid, 'SIGSTOP');
    const impatient = new Ztunnel({ ...dev.address, mode: 'shared', token: () => dev.token(ztunnel) });
    const given = impatient.fetchCertificate(dev.identity(C)).catch((error: unknown) => error);
    await sleep(500);
    impatient.close();
    expect(await given).toMatchObject({ code: -1 });
    process.kill(dev.info.ca.pid, 'SIGCONT');
    expect((await shared.fetchCertificate(dev.identity(C))).identity).toBe(dev.identity(C));
  });
});

test('readiness does not depend on the CA', async () => {
  process.kill(dev.info.ca.pid, 'SIGSTOP');
  await sleep(1_000);
  expect((await fetch(dev.info.agent.health)).status).toBe(200);
});

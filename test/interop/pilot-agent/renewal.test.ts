import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Dev } from '../../support/dev.ts';
import { sleep, until } from '../../support/processes.ts';
import { faultsOf } from '../../support/verify/faults.ts';
import { skipWithout } from '../support/binaries.ts';
import { agentLines, metric } from '../ztunnel/agent_log.ts';
import { meshOf, workload } from '../ztunnel/workloads.ts';
import { EARLY, PilotAgents } from './lab.ts';
import type { RealPilotAgent } from './real_pilot_agent.ts';
import { fingerprints, type Written } from './written.ts';

const [A, B] = [workload('a', 2), workload('b', 3)];
const EC = { ECC_SIGNATURE_ALGORITHM: 'ECDSA' };
/** Two attempts upstream of the agent, each with its deadline, end in this time. */
const OUTAGE = 12_000;
const RENEWALS = 3;

const failures = (agent: RealPilotAgent): string[] =>
  agent.log.split('\n').filter((line) => /failed to|error/i.test(line) && !line.includes('xdsproxy'));

describe.skipIf(skipWithout('pilot-agent renewal', 'PILOT_AGENT_BIN'))('a renewal of the real pilot-agent', () => {
  const agents = new PilotAgents();
  let dev: Dev;

  beforeAll(async () => {
    dev = await Dev.start({ pods: [A, B], minTtl: '6s' });
  });
  afterAll(() => dev.stop());
  afterEach(async () => {
    process.kill(dev.info.ca.pid, 'SIGCONT');
    await agents.stop();
  });

  test.each([
    ['RSA, at half-life of a short certificate', { SECRET_TTL: '8s' }],
    ['EC, at half-life of a short certificate', { SECRET_TTL: '8s', ...EC }],
    ['EC, as early as its settings say', { ...EARLY, ...EC }],
  ])('replaces key and certificate together, and all three files hold together again: %s', async (_, env) => {
    const agent = await agents.start({ mesh: meshOf(dev), pod: A, env });
    const all: Written[] = [await agent.written()];
    for (let i = 0; i < RENEWALS; i++) {
      const next = await agent.renewed(all.at(-1)!);
      expect(faultsOf(next, dev.identity(A))).toEqual([]);
      all.push(next);
    }
    expect(new Set(all.map(({ keyPem }) => keyPem)).size).toBe(all.length);
    // By what they are: it writes the roots as they came, and then again as it merges them, with another end of the file.
    expect(new Set(all.map(({ roots }) => fingerprints(roots).join())).size).toBe(1);
    expect(failures(agent)).toEqual([]);
  });

  test('is held while the CA is stopped, and answered when it is back: pilot-agent sees no failure', async () => {
    const agent = await agents.start({ mesh: meshOf(dev), pod: A, env: { ...EARLY, ...EC } });
    const before = await agent.written();
    process.kill(dev.info.ca.pid, 'SIGSTOP');
    await until('the renewal at the agent', 60_000, async () => {
      return (await metric(dev.info.agent.metrics, 'ambient_ca_agent_waiting')) > 0;
    });
    const held = agent.held!;
    await sleep(OUTAGE);
    // Nothing was answered meanwhile, so it was one request that waited.
    expect(agent.held!.leaf.serialNumber).toBe(held.leaf.serialNumber);
    expect(await metric(dev.info.agent.metrics, 'ambient_ca_agent_waiting')).toBe(1);
    process.kill(dev.info.ca.pid, 'SIGCONT');
    const after = await agent.renewed(held);
    expect(faultsOf(after, dev.identity(A))).toEqual([]);
    expect(after.leaf.serialNumber).not.toBe(before.leaf.serialNumber);
    expect(failures(agent)).toEqual([]);
  });

  test('goes on by itself after the agent was killed with the renewal in flight', async () => {
    const agent = await agents.start({ mesh: meshOf(dev), pod: B, env: { ...EARLY, ...EC } });
    await agent.written();
    process.kill(dev.info.ca.pid, 'SIGSTOP');
    await until('the renewal at the agent', 60_000, async () => {
      return (await metric(dev.info.agent.metrics, 'ambient_ca_agent_waiting')) > 0;
    });
    const held = agent.held!;
    const { pid } = dev.info.agent;
    const killed = Date.now();
    process.kill(pid, 'SIGKILL');
    process.kill(dev.info.ca.pid, 'SIGCONT');
    await dev.replaced('agent', pid);
    const after = await agent.renewed(held);
    expect(faultsOf(after, dev.identity(B))).toEqual([]);
    // The agent's log comes after its answer.
    await until('the new agent has issued it', 20_000, () =>
      agentLines(join(dev.folder, 'agent.log')).some(
        ({ message, at, identity }) => message === 'issued' && at >= killed && identity === dev.identity(B),
      ),
    );
  });
});

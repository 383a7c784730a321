import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Dev, nodePods } from '../../support/dev.ts';
import { sleep, until } from '../../support/processes.ts';
import { agentLines, metric } from './agent_log.ts';
import { binaries, dedicatedBlocker, keepsOnFailure, sayIfSkipped, sharedBlocker } from './binaries.ts';
import { firstDue, firstEnd, heldByAll, renewed } from './held.ts';
import { Lab } from './lab.ts';
import { aboutCertificates, bothWays, failed, reasons, Traffic } from './traffic.ts';
import { localAddress, meshOf, workload } from './workloads.ts';

const [A, B] = [workload('a', 2), workload('b', 3)];
const { ztunnel, pods } = nodePods('node-1', ['c', 'd', 'e', 'f', 'g', 'h']);
const workloads = pods.map((pod, index) => ({ ...pod, address: localAddress(10 + index) }));
const TTL = '40s';
const IDENTITIES = 2 + pods.length;

describe.skipIf(sayIfSkipped('agent killed', dedicatedBlocker() ?? sharedBlocker()))(
  'the agent killed with renewals in flight, and started again',
  () => {
    let dev: Dev;
    let lab: Lab;

    beforeAll(async () => {
      dev = await Dev.start({ pods: [A, B, ztunnel, ...pods], minTtl: '20s' });
    });
    afterAll(() => dev.stop());
    beforeEach(() => {
      lab = new Lab();
    });
    afterEach(async () => {
      process.kill(dev.info.ca.pid, 'SIGCONT');
      await lab.stop();
    });

    test.each(binaries().map((binary) => [binary.name, binary] as const))(
      '%s renews every certificate, and no request fails where it keeps a valid certificate itself',
      async (_, binary) => {
        const options = { peers: [A, B], secretTtl: TTL };
        const mesh = meshOf(dev);
        const shared = await lab.shared({ binary, mesh, caller: ztunnel, workloads, secretTtl: TTL });
        await shared.available(pods.length);
        const a = await lab.dedicated(binary, mesh, A, options);
        const b = await lab.dedicated(binary, mesh, B, options);
        expect([await a.get(B), await b.get(A)]).toEqual(['200 I am b', '200 I am a']);
        const all = [a, b, shared];
        const first = await heldByAll(all);
        expect(first.size).toBe(IDENTITIES);
        const traffic = new Traffic(bothWays(a, b));

        // The CA answers nothing, so that every renewal is in flight when the agent dies.
        await sleep(firstDue(first) - 1_000 - Date.now());
        process.kill(dev.info.ca.pid, 'SIGSTOP');
        await until('every renewal in flight', 20_000, async () => {
          return (await metric(dev.info.agent.metrics, 'ambient_ca_agent_waiting')) === IDENTITIES;
        });
        const agent = dev.info.agent.pid;
        const killed = Date.now();
        process.kill(agent, 'SIGKILL');
        process.kill(dev.info.ca.pid, 'SIGCONT');
        await dev.replaced('agent', agent);
        await renewed(all, first);
        const settled = Date.now();
        await sleep(2_000);
        const answers = await traffic.stop();

        const during = answers.filter(({ began, ended }) => ended >= killed && began <= settled);
        console.log(
          `agent killed, ${binary.name}: ${IDENTITIES} renewals in flight, all renewed ${settled - killed} ms later; ` +
            `${answers.length} requests, ${failed(answers).length} failed`,
        );
        expect(during.length).toBeGreaterThan(0);
        // Each in time: none of those that it replaces had ended.
        expect(settled).toBeLessThan(firstEnd(first));
        // A renewal that fails takes the certificate away on 1.27, valid or not, until its own retry: nothing that an agent
        // that is not there could change. There it must be over with the renewal.
        const allowed = keepsOnFailure(binary) ? [] : during;
        expect(lab.failures(answers.filter((answer) => !allowed.includes(answer)))).toEqual([]);
        const otherwise = aboutCertificates(reasons(a, b)).filter((reason) => !reason.includes('signing gRPC error'));
        expect(otherwise).toEqual([]);
        const issuedTo = agentLines(join(dev.folder, 'agent.log')).filter(
          ({ message, at }) => message === 'issued' && at >= killed,
        );
        expect(new Set(issuedTo.map(({ identity }) => identity))).toEqual(new Set(first.keys()));
      },
    );
  },
);

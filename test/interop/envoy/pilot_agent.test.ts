import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Dev } from '../../support/dev.ts';
import type { Pod } from '../../support/token.ts';
import { faultsOf } from '../../support/verify/faults.ts';
import { EARLY, PilotAgents } from '../pilot-agent/lab.ts';
import type { RealPilotAgent } from '../pilot-agent/real_pilot_agent.ts';
import { binariesNamed, skipWithout } from '../support/binaries.ts';
import { addRoot } from '../support/roots.ts';
import { meshOf, workload } from '../ztunnel/workloads.ts';
import { bootstrap } from './bootstrap.ts';
import { localAddress } from './lab.ts';
import { Requests } from './requests.ts';
import { pilotAgentSecrets } from './secrets.ts';
import { Sidecar } from './sidecar.ts';

const [A, B] = [workload('a', 2), workload('b', 3)];
const ADDRESS = new Map([A, B].map(({ name }, index) => [name, localAddress(2 + index)]));
const RENEWALS = 3;

describe.skipIf(skipWithout('envoy with pilot-agent', 'ENVOY_BIN', 'PILOT_AGENT_BIN'))(
  'Envoys that real pilot-agents start and give the certificates of the CA',
  () => {
    const agents = new PilotAgents();
    let dev: Dev;

    beforeAll(async () => {
      dev = await Dev.start({ pods: [A, B] });
    });
    afterAll(() => dev.stop());
    afterEach(() => agents.stop());

    const start = async (
      binaryPath: string,
      pod: Pod,
      env: Record<string, string>,
    ): Promise<[RealPilotAgent, Sidecar]> => {
      const address = ADDRESS.get(pod.name)!;
      const upstreams = [A, B].map((peer) => {
        return { name: peer.name, address: ADDRESS.get(peer.name)!, san: { exact: dev.identity(peer) } };
      });
      const callers = { prefix: `spiffe://${dev.info.trustDomain}/` };
      const config = bootstrap({ name: pod.name, address, upstreams, callers, secrets: pilotAgentSecrets });
      const agent = await agents.start({
        mesh: meshOf(dev),
        pod,
        env: { DISABLE_ENVOY: 'false', MINIMUM_DRAIN_DURATION: '0s', ...EARLY, ...env },
        proxyConfig: {
          binaryPath,
          customConfigFile: 'envoy.json',
          concurrency: 1,
          terminationDrainDuration: '1s',
        },
        extraFiles: { 'envoy.json': JSON.stringify(config) },
      });
      const sidecar = new Sidecar(pod.name, address, agent.logFile);
      await sidecar.ready();
      return [agent, sidecar];
    };

    test.each(binariesNamed('ENVOY_BIN').map(({ name, path }) => [name, path] as const))(
      '%s: no request fails over renewals of RSA and EC certificates, and a root that is added',
      async (_, path) => {
        const [agentA, a] = await start(path, A, {});
        const [agentB, b] = await start(path, B, { ECC_SIGNATURE_ALGORITHM: 'ECDSA' });
        expect(await a.get('b')).toEqual({ text: '200 I am b', caller: dev.identity(A), tls: 'TLSv1.3' });
        expect(await b.get('a')).toEqual({ text: '200 I am a', caller: dev.identity(B), tls: 'TLSv1.3' });
        const requests = new Requests([
          [a, 'b'],
          [b, 'a'],
        ]);
        const { length: before } = (await agentA.written()).roots;
        for (const [agent, sidecar] of [
          [agentA, a],
          [agentB, b],
        ] as const) {
          const taken = await sidecar.taken('default');
          for (let i = 0, held = await agent.written(); i < RENEWALS; i++) held = await agent.renewed(held);
          // It is Envoy that has taken them, not only the files.
          expect(await sidecar.taken('default')).toBeGreaterThanOrEqual(taken + RENEWALS - 1);
        }
        await addRoot(dev);
        for (const [agent, pod, sidecar] of [
          [agentA, A, a],
          [agentB, B, b],
        ] as const) {
          const held = await agent.written('the new root', ({ roots }) => roots.length === before + 1);
          expect(faultsOf(held, dev.identity(pod))).toEqual([]);
          expect(await sidecar.taken('ROOTCA')).toBeGreaterThan(1);
        }
        await requests.more(4);
        const made = await requests.stop();
        expect(made.filter(({ text }) => !text.startsWith('200 '))).toEqual([]);
        expect([await a.refused(), await b.refused()]).toEqual([{}, {}]);
      },
    );
  },
);

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Dev } from '../../support/dev.ts';
import { ToyCa } from '../../support/toy/ca_server.ts';
import { BEFORE_ROTATION, Rotation, ROTATION_PHASES, type Served } from '../../support/toy/rotation.ts';
import { faultsOf } from '../../support/verify/faults.ts';
import { skipWithout } from '../support/binaries.ts';
import { addRoot } from '../support/roots.ts';
import type { Mesh } from '../ztunnel/mesh.ts';
import { meshOf, workload } from '../ztunnel/workloads.ts';
import { EARLY, PilotAgents } from './lab.ts';
import { fingerprints } from './written.ts';

const POD = workload('sidecar', 2);
const IDENTITY = 'spiffe://cluster.local/ns/default/sa/sidecar';
const HOUR = 3_600;
const EC_EARLY = { ...EARLY, ECC_SIGNATURE_ALGORITHM: 'ECDSA' };

/** What is in cert-chain.pem, before the rotation and in each of its phases. */
const SHAPES = [
  ['leaf', 'intermediate', 'root'],
  ['leaf', 'intermediate', 'root', 'root'],
  ['leaf', 'intermediate', 'intermediate', 'root', 'root'],
  ['leaf', 'intermediate', 'root', 'root'],
  ['leaf', 'intermediate', 'root'],
] as const;
const STEPS = [{ name: 'before', ...BEFORE_ROTATION }, ...ROTATION_PHASES];

describe.skipIf(skipWithout('pilot-agent rotation', 'PILOT_AGENT_BIN'))('the files of the real pilot-agent', () => {
  const agents = new PilotAgents();
  afterEach(() => agents.stop());

  describe('in a rotation, of which a toy CA serves every step as the product makes it', () => {
    let ca: ToyCa;
    let mesh: Mesh;
    let served: Served;
    const replies = new Set<string>();

    beforeEach(async () => {
      const rotation = await Rotation.create(Date.now());
      ca = new ToyCa((call) => {
        const reply = rotation.reply(call, served, HOUR, Date.now());
        replies.add(reply.join(''));
        return reply;
      });
      // pilot-agent asks for istiod by name where the address says localhost (istio-contract §B1).
      const serverName = 'istiod.istio-system.svc';
      const caPort = await ca.start(serverName);
      const trustDomain = 'cluster.local';
      mesh = { caPort, serverName, rootPem: ca.root.pem, clusterId: 'c1', trustDomain, token: () => 'toy' };
    });
    afterEach(() => {
      ca.stop();
      replies.clear();
    });

    test('are the elements of each reply in their order, and its roots, and verify at every step', async () => {
      served = BEFORE_ROTATION;
      const agent = await agents.start({ mesh, pod: POD, env: EC_EARLY });
      for (const [index, step] of STEPS.entries()) {
        const { name } = step;
        const shape = SHAPES[index]!;
        served = step;
        const held = await agent.written(`what is served when ${name}`, ({ chain, roots }) => {
          return chain.length === shape.length && roots.length === step.bundle.length;
        });
        expect(replies, name).toContain(held.chainPem);
        const kinds = held.chain.map((each) => {
          if (!each.ca) return 'leaf';
          return each.subject === each.issuer ? 'root' : 'intermediate';
        });
        expect(kinds, name).toEqual(shape);
        // pilot-agent sorts what it merges; that every root is there is what counts.
        const roots = fingerprints(held.chain.slice(-step.bundle.length));
        expect(new Set(fingerprints(held.roots)), name).toEqual(new Set(roots));
        expect(faultsOf(held, IDENTITY), name).toEqual([]);
      }
    });

    test('have a leaf that whoever trusts only one of the two roots can verify while the cross-certificate is there', async () => {
      served = { chain: 'new', bundle: ['new', 'old'], cross: true };
      const held = await (await agents.start({ mesh, pod: POD, env: EC_EARLY })).written();
      const [newer, older] = held.chain.slice(-2);
      const intermediates = held.intermediates;
      expect(intermediates.map(({ subject }) => subject)).toContain(newer!.subject);
      expect(faultsOf({ ...held, roots: [older!] }, IDENTITY)).toEqual([]);
      const direct = { ...held, intermediates: intermediates.slice(0, 1), roots: [newer!] };
      expect(faultsOf(direct, IDENTITY)).toEqual([]);
      // Without it the older root says nothing.
      const without = { ...held, intermediates: intermediates.slice(0, 1), roots: [older!] };
      expect(faultsOf(without, IDENTITY)).not.toEqual([]);
    });
  });

  describe('when a root is added to the trust domain', () => {
    let dev: Dev;
    beforeAll(async () => {
      dev = await Dev.start({ pods: [POD], minTtl: '6s' });
    });
    afterAll(() => dev.stop());

    test('get it at one of the next renewals, after the active one in the chain', async () => {
      const agent = await agents.start({ mesh: meshOf(dev), pod: POD, env: EC_EARLY });
      const before = await agent.written();
      const root = await addRoot(dev);
      const after = await agent.written('both roots', ({ roots }) => roots.length === 2);
      expect(fingerprints(after.chain.slice(2))).toEqual([...fingerprints(before.roots), root]);
      expect(faultsOf(after, dev.identity(POD))).toEqual([]);
    });
  });
});

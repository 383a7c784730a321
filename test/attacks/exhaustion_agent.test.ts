import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildCsr } from '../support/client/csr.ts';
import { Ztunnel } from '../support/client/ztunnel.ts';
import { Dev, nodePods } from '../support/dev.ts';
import { alive, until } from '../support/processes.ts';
import type { Pod } from '../support/token.ts';
import { ATTACKS, type Arena } from './exhaustion_attacks.ts';
import { printTable } from '../support/print_table.ts';

/** `ATTACKS=full` has the counts of an attack that means it; a tenth of them shows the same limits in a tenth of the time. */
const SCALE = process.env['ATTACKS'] === 'full' ? 1 : 0.1;
/** MiB that the agent may have, whatever comes. A pod limit above it is never reached. */
const MEMORY_BOUND = SCALE === 1 ? 640 : 384;
/** Descriptors beside those of connections: files, the CA, the honest client. */
const FEW = 40;

const { ztunnel, pods } = nodePods('node-1', ['web']);
const WEB = pods[0] as Pod;
const bomb = generateKeyPairSync('rsa', { modulusLength: 4_096 });
let dev: Dev;
let honest: Ztunnel;
const rows: Record<string, string | number>[] = [];

beforeAll(async () => {
  dev = await Dev.start({ pods: [ztunnel, ...pods] });
  honest = newHonest();
  await honest.fetchCertificate(dev.identity(WEB));
});
afterAll(async () => {
  printTable(`the agent under attack (scale ${SCALE}, bound ${MEMORY_BOUND} MiB)`, rows);
  honest.close();
  await dev.stop();
});

const newHonest = () => new Ztunnel({ ...dev.address, mode: 'shared', token: () => dev.token(ztunnel) });
const status = (name: string): number =>
  Number(
    new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${dev.info.agent.pid}/status`, 'utf8'))?.[1],
  ) / 1_024;
const descriptors = (): number => readdirSync(`/proc/${dev.info.agent.pid}/fd`).length;

test.each(Object.entries(ATTACKS))(
  '%s: memory stays bounded, and an honest ztunnel is served',
  async (name, attack) => {
    const pid = dev.info.agent.pid;
    const arena: Arena = {
      target: dev.address,
      token: dev.token(WEB),
      csr: () =>
        buildCsr({ key: 'rsa-2048', identity: dev.identity(WEB), emptyOrganization: true, sanCritical: true }, bomb)
          .pem,
      scale: SCALE,
      opened: [],
    };
    const before = status('VmRSS');
    let [peak, most, served, slowest] = [0, 0, 0, 0];
    const attacked = { over: false };
    const attacking = attack(arena).finally(() => (attacked.over = true));
    // One on its old connection, and one that must come in anew each time.
    for (; !attacked.over || served < 4; served += 2) {
      const newcomer = newHonest();
      const began = performance.now();
      await honest.fetchCertificate(dev.identity(WEB));
      await newcomer.fetchCertificate(dev.identity(WEB));
      newcomer.close();
      slowest = Math.max(slowest, performance.now() - began);
      peak = Math.max(peak, status('VmRSS'));
      most = Math.max(most, descriptors());
    }
    await attacking;
    const opened = arena.opened.length;
    const ended = arena.opened.filter(({ gone }) => gone).length;
    for (const one of arena.opened) one.close();
    await until('the descriptors come back', 60_000, () => descriptors() < FEW);
    rows.push({
      attack: name,
      opened,
      'ended by us': ended,
      'RSS before': Math.round(before),
      peak: Math.round(peak),
      after: Math.round(status('VmRSS')),
      'most fds': most,
      'fds after': descriptors(),
      'honest certificates': served,
      'slowest pair ms': Math.round(slowest),
    });
    expect(alive(pid)).toBe(true);
    expect(peak).toBeLessThan(MEMORY_BOUND);
  },
);

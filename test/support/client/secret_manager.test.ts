import { beforeEach, describe, expect, test } from 'vitest';
import { ToyCa } from '../toy/ca_server.ts';
import { GrpcError } from '../wire/channel.ts';
import { ztunnelCsr } from './csr.ts';
import { readReply, type WorkloadCertificate } from './reply.ts';
import { SecretManager } from './secret_manager.ts';

const ID = 'spiffe://cluster.local/ns/default/sa/a';
const START = Date.UTC(2030, 0, 1);
const MINUTE = 60_000;

let ca: ToyCa;
let now: number;
let up: boolean;
let asked: number;

const fetch = (identity: string): Promise<WorkloadCertificate> => {
  asked++;
  if (!up) return Promise.reject(new GrpcError(14, 'the certificate authority is unavailable'));
  const csr = ztunnelCsr(identity);
  const leaf = ca.leaf({ identity, spki: csr.spki }, { notBefore: now, notAfter: now + MINUTE });
  return Promise.resolve(readReply([leaf, ca.intermediate.pem, ca.root.pem], csr.key, identity));
};
const manager = (retains: boolean): SecretManager =>
  new SecretManager({ fetch, now: () => now, random: () => 0.5, retains });

beforeEach(() => {
  ca = new ToyCa();
  now = START;
  up = true;
  asked = 0;
});

describe('a SecretManager', () => {
  test('asks for an identity once, and again at half-life', async () => {
    const secrets = manager(false);
    secrets.want(ID);
    secrets.want(ID);
    expect(await secrets.run()).toBe(1);
    expect(secrets.secret(ID).state).toBe('Available');
    expect(secrets.dueAt(ID)).toBe(START + MINUTE / 2);
    now = START + MINUTE / 2 - 1;
    expect(await secrets.run()).toBe(0);
    now++;
    expect(await secrets.run()).toBe(1);
    expect(asked).toBe(2);
  });

  test('of 1.27 loses a good certificate at the first failed renewal', async () => {
    const secrets = manager(false);
    secrets.want(ID);
    await secrets.run();
    [now, up] = [START + MINUTE / 2, false];
    await secrets.run();
    expect(secrets.secret(ID)).toEqual({
      state: 'Unavailable',
      reason: 'signing gRPC error (14): the certificate authority is unavailable',
    });
    expect(secrets.dueAt(ID)).toBe(now + 1_000);
  });

  test('of a later release keeps it until it expires', async () => {
    const secrets = manager(true);
    secrets.want(ID);
    await secrets.run();
    [now, up] = [START + MINUTE / 2, false];
    await secrets.run();
    expect(secrets.secret(ID).state).toBe('Available');
    now = START + MINUTE;
    await secrets.run();
    expect(secrets.secret(ID).state).toBe('Unavailable');
  });

  test('starts its backoff anew after a success', async () => {
    const secrets = manager(false);
    up = false;
    secrets.want(ID);
    for (let i = 0; i < 3; i++) {
      await secrets.run();
      now = secrets.dueAt(ID);
    }
    up = true;
    await secrets.run();
    [now, up] = [secrets.dueAt(ID), false];
    await secrets.run();
    expect(secrets.dueAt(ID) - now).toBe(1_000);
  });
});

import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../csr-agent/src/clock.ts';
import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import { makeLeaf } from '../support/authority.ts';
import { edgeConfig, signingRequest, testEdge, type TestEdge, until } from '../support/edge.ts';
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

const asked = (): number => ca.requests.filter(({ kind }) => kind === 'serving').length;
const file = (): string => join(made.config.stateDir, 'serving.json');
const certificateOf = (edge: TestEdge): X509Certificate =>
  new X509Certificate(edge.edge.serving.current()?.certPem ?? '');

async function started(options: Parameters<typeof testEdge>[1] = {}): Promise<void> {
  made = testEdge(made.config, options);
  await made.edge.start();
  await until(() => made.edge.serving.current() !== null);
}

describe('the serving certificate', () => {
  it('is for exactly the enrolled names, with its key and its intermediate, and without a root', async () => {
    ca.servingNames = ['agent.ambient-ca.svc', 'cert-manager-istio-csr.cert-manager.svc'];
    await started();
    const { certPem = '', keyPem = '' } = made.edge.serving.current() ?? {};
    const certificate = new X509Certificate(certPem);
    expect(certificate.subjectAltName).toBe('DNS:agent.ambient-ca.svc, DNS:cert-manager-istio-csr.cert-manager.svc');
    expect(createPublicKey(keyPem).equals(certificate.publicKey)).toBe(true);
    expect(certPem.match(/BEGIN CERTIFICATE/g)?.length).toBe(2);
    expect(certificate.verify(new X509Certificate(ca.serving.der).publicKey)).toBe(true);
  });

  it('tells its listeners of each new one', async () => {
    const seen: string[] = [];
    made = testEdge(made.config);
    made.edge.serving.onChange(({ certPem }) => seen.push(certPem));
    await made.edge.start();
    await until(() => seen.length === 1);
    expect(seen[0]).toBe(made.edge.serving.current()?.certPem);
  });

  it('is renewed at two thirds of its life with a fresh key, while the old one is still good', async () => {
    ca.ttl = 6;
    await started();
    const first = certificateOf(made);
    const renewed = await waitFor(() =>
      certificateOf(made).serialNumber === first.serialNumber ? null : certificateOf(made),
    );
    expect(Date.now()).toBeLessThan(first.validToDate.getTime());
    expect(Date.now()).toBeGreaterThan(first.validFromDate.getTime() + 3_500);
    expect(renewed.publicKey.equals(first.publicKey)).toBe(false);
  });

  it('is none once it has expired', async () => {
    let offset = 0;
    const clock: Clock = { now: () => Date.now() + offset, after: (ms, run) => systemClock.after(ms, run) };
    await started({ clock });
    await ca.down();
    offset = 2 * 86_400_000;
    expect(made.edge.serving.current()).toBeNull();
  });

  it('is replaced when the enrolment names others', async () => {
    await started();
    ca.servingNames = ['new.ambient-ca.svc'];
    ca.epoch++;
    await made.edge.signer.sign(signingRequest());
    await until(() => certificateOf(made).subjectAltName === 'DNS:new.ambient-ca.svc');
    expect(made.log.some(({ missing }) => JSON.stringify(missing) === '["agent.ambient-ca.svc"]')).toBe(true);
  });

  it('is tried again at a first start with the CA away, and had as soon as it is there', async () => {
    await ca.down();
    await made.edge.start();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(made.edge.serving.current()).toBeNull();
    await ca.up();
    const before = Date.now();
    await until(() => made.edge.serving.current() !== null);
    expect(Date.now() - before).toBeLessThan(2_500);
  });
});

const answering = (certificate: (spki: Uint8Array) => Uint8Array): void => {
  ca.shape = (kind, body) => {
    if (kind !== 'serving') return body;
    const issued = new X509Certificate(Buffer.from((body as { certificate: string }).certificate, 'base64'));
    const spki = new Uint8Array(issued.publicKey.export({ format: 'der', type: 'spki' }));
    return { ...body, certificate: Buffer.from(certificate(spki)).toString('base64') };
  };
};

describe('a serving certificate is refused', () => {
  const wish = { profile: 'serving', dnsNames: ['agent.ambient-ca.svc'] } as const;

  it.each([
    ['for another key', () => makeLeaf(ca.serving, { ...wish, spki: generateNodeKey('ec-p256').spki }), 'not ours'],
    [
      'with a name that is not enrolled',
      (spki: Uint8Array) => makeLeaf(ca.serving, { ...wish, dnsNames: ['agent.ambient-ca.svc', 'evil.test'], spki }),
      'enrolled are',
    ],
    [
      'that has expired',
      (spki: Uint8Array) => makeLeaf(ca.serving, { ...wish, spki, now: Date.now() - 3_000_000, lifeMs: 600_000 }),
      'chain-expired',
    ],
  ])('%s', async (_what, certificate, reason) => {
    answering(certificate);
    made = testEdge(made.config);
    await made.edge.start();
    await until(() => asked() > 0 && made.log.some(({ reason: text }) => String(text).includes(reason)));
    expect(made.edge.serving.current()).toBeNull();
    ca.shape = (_kind, body) => body;
    await until(() => made.edge.serving.current() !== null);
  });

  it('when the stored one was altered, and a new one is fetched', async () => {
    await started();
    const stored = JSON.parse(readFileSync(file(), 'utf8')) as { key: string };
    const other = generateNodeKey('ec-p256');
    const key = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(other.pkcs8).toString('base64')}\n-----END PRIVATE KEY-----\n`;
    await made.edge.stop();
    writeFileSync(file(), JSON.stringify({ ...stored, key }));
    const before = asked();
    await started();
    expect(asked()).toBe(before + 1);
    expect(made.log.some(({ msg }) => msg.includes('stored serving certificate is of no use'))).toBe(true);
  });
});

async function waitFor<T>(read: () => T | null): Promise<T> {
  await until(() => read() !== null);
  return read() as T;
}

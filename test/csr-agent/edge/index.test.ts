import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { parseReply } from '../../../pki/src/reply.ts';
import { makeRoot } from '../support/authority.ts';
import { edgeConfig, signingRequest, testEdge, type TestEdge, until } from '../support/edge.ts';
import { FakeCa } from '../support/fake_ca.ts';

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

async function started(changes: Parameters<typeof edgeConfig>[1] = {}): Promise<TestEdge & { ca: FakeCa }> {
  const ca = await FakeCa.start();
  stops.push(() => ca.down());
  const made = testEdge(edgeConfig(ca, changes));
  stops.push(() => made.edge.stop());
  await made.edge.start();
  return { ...made, ca };
}

describe('the upstream half of the agent', () => {
  it('a request becomes a certificate for its key and identity, with the reply in the order of Istio', async () => {
    const { edge, ca } = await started();
    const request = signingRequest();
    const outcome = await edge.signer.sign(request);
    if (!outcome.ok) throw new Error(outcome.reason);
    const { leaf, intermediates, roots } = parseReply(outcome.chain);
    const certificate = new X509Certificate(leaf);
    expect(certificate.subjectAltName).toBe(`URI:${request.identityText}`);
    expect(certificate.publicKey.export({ format: 'der', type: 'spki' })).toEqual(Buffer.from(request.csr.spki));
    expect(certificate.verify(new X509Certificate(ca.svid.der).publicKey)).toBe(true);
    expect(intermediates).toEqual([ca.svid.der]);
    expect(roots).toEqual(ca.roots.map(({ der }) => der));
    expect(outcome.serial).toBe(certificate.serialNumber.toLowerCase());
    expect(outcome.notAfter).toBe(certificate.validToDate.getTime());
    expect(outcome.issuer).toBe(ca.svid.id);
  });

  it('goes on by the stored trust when the CA comes back with a document that is refused, and says so', async () => {
    const { edge, ca, log, registry } = await started();
    await until(() => edge.state().up);
    await ca.down();
    const held = edge.signer.sign(signingRequest());
    await until(() => !edge.state().up);
    const stranger = await makeRoot();
    ca.document = (document) => ({
      ...document,
      bundleVersion: document.bundleVersion + 1,
      roots: [...document.roots, Buffer.from(stranger.der).toString('base64')],
    });
    await ca.up();
    const outcome = await held;
    expect(outcome).toMatchObject({ ok: true });
    expect(outcome.ok && parseReply(outcome.chain).roots).toEqual(ca.roots.map(({ der }) => der));
    expect(edge.state()).toMatchObject({ up: true, bundleVersion: 3 });
    expect(log).toContainEqual(expect.objectContaining({ level: 50, code: 'root-not-accepted' }));
    expect(await registry.getSingleMetricAsString('ambient_ca_agent_trust_refused_total')).toContain(
      'root-not-accepted',
    );
  });

  it('issues nothing by a document that is refused while no trust is stored', async () => {
    const ca = await FakeCa.start();
    stops.push(() => ca.down());
    const made = testEdge(edgeConfig(ca, { rootPin: ['0'.repeat(64)], firstHold: 2 }));
    stops.push(() => made.edge.stop());
    await made.edge.start();
    expect(await made.edge.signer.sign(signingRequest())).toMatchObject({ ok: false, code: 'held-too-long' });
    expect([made.edge.state().up, ca.batches]).toEqual([false, []]);
    expect(made.edge.state().trouble).toBe('no trust has been accepted yet');
  });

  it('fetches trust and a serving certificate at start', async () => {
    const { edge, ca } = await started();
    await until(() => edge.serving.current() !== null);
    const { certPem = '' } = edge.serving.current() ?? {};
    expect(new X509Certificate(certPem).subjectAltName).toBe('DNS:agent.ambient-ca.svc');
    expect(edge.state()).toMatchObject({ up: true, bundleVersion: 3, epoch: 7, waiting: 0 });
    expect(ca.requests[0]?.kind).toBe('trust');
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import type { TrustDocument } from '../../../ca-service/src/client/protocol.ts';
import { checkLeaf, type LeafClaim } from '../../../csr-agent/src/edge/leaf.ts';
import { type Bundle, readBundle } from '../../../csr-agent/src/trust/bundle.ts';
import { generateNodeKey, nodeCrypto } from '../../../pki/src/crypto/node.ts';
import {
  forgeLeaf,
  type LeafWish,
  makeIntermediate,
  makeLeaf,
  makeRoot,
  type TestIntermediate,
} from '../support/authority.ts';
import { FakeCa } from '../support/fake_ca.ts';

const IDENTITY = 'spiffe://cluster.local/ns/default/sa/web';
const key = generateNodeKey('ec-p256');
const now = Date.now();
const crypto = nodeCrypto();
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

let ca: FakeCa;
let document: TrustDocument;
let bundle: Bundle;
let strange: TestIntermediate;

beforeAll(async () => {
  ca = await FakeCa.start();
  await ca.down();
  strange = await makeIntermediate(await makeRoot(), 'svid');
  document = ca.trustDocument();
  bundle = readBundle(document);
});

const svid: LeafWish = { profile: 'svid', uri: IDENTITY, spki: key.spki };

function claimFor(der: Uint8Array, issuer = ca.svid.id): LeafClaim {
  const known = bundle.intermediates.get(issuer);
  if (known === undefined) throw new Error(`no intermediate ${issuer}`);
  return { der, issuer: known, spki: key.spki, identity: IDENTITY };
}

const refusal = (reason: string | RegExp) =>
  expect.objectContaining({ code: 'leaf-refused', message: expect.stringMatching(reason) as string }) as Error;

describe('a certificate of the CA is never handed out', () => {
  it('for another key than that of the CSR', () => {
    const der = makeLeaf(ca.svid, { ...svid, spki: generateNodeKey('ec-p256').spki });
    expect(() => checkLeaf(crypto, bundle, claimFor(der), now)).toThrow(refusal('key is not that of the CSR'));
  });

  it('for another identity', () => {
    const der = makeLeaf(ca.svid, { ...svid, uri: `${IDENTITY}2` });
    expect(() => checkLeaf(crypto, bundle, claimFor(der), now)).toThrow(refusal('expected spiffe'));
  });

  it('with a further name', () => {
    const der = forgeLeaf(ca.svid, { ...svid, dnsNames: ['istiod.istio-system.svc'] });
    expect(() => checkLeaf(crypto, bundle, claimFor(der), now)).toThrow(refusal('further names'));
  });

  it('that is not valid yet, and one that is no longer', () => {
    const der = makeLeaf(ca.svid, { ...svid, now });
    expect(() => checkLeaf(crypto, bundle, claimFor(der), now - 3_600_000)).toThrow(refusal('chain-not-yet-valid'));
    expect(() => checkLeaf(crypto, bundle, claimFor(der), now + 2 * 86_400_000)).toThrow(refusal('chain-expired'));
  });

  it('that outlives its issuer', () => {
    const der = forgeLeaf(ca.svid, { ...svid, lifeMs: 91 * 86_400_000 });
    expect(() => checkLeaf(crypto, bundle, claimFor(der), now)).toThrow(refusal('outlives its issuer'));
  });

  it('by another intermediate than the one it names', async () => {
    const other = await makeIntermediate(ca.roots[0] ?? (await makeRoot()), 'svid');
    const both = readBundle({
      ...document,
      intermediates: [
        ...document.intermediates,
        { id: other.id, purpose: 'svid', certificate: base64(other.der), current: false },
      ],
    });
    const der = makeLeaf(other, svid);
    expect(() => checkLeaf(crypto, both, claimFor(der), now)).toThrow(
      refusal('leaf-refused|another intermediate|chain-'),
    );
  });

  it('whose signature is not by the intermediate', () => {
    const der = Uint8Array.from(makeLeaf(ca.svid, svid));
    der[der.length - 3] = (der[der.length - 3] ?? 0) ^ 1;
    expect(() => checkLeaf(crypto, bundle, claimFor(der), now)).toThrow(refusal('chain-signature'));
  });

  it('by a serving intermediate', () => {
    const der = forgeLeaf(ca.serving, svid);
    expect(() => checkLeaf(crypto, bundle, claimFor(der, ca.serving.id), now)).toThrow(
      refusal('not one for workloads'),
    );
  });

  it('under a root that is not accepted, though its intermediate is in the document', () => {
    const withStranger = readBundle({
      ...document,
      intermediates: [{ id: strange.id, purpose: 'svid', certificate: base64(strange.der), current: true }],
    });
    const issuer = withStranger.intermediates.get(strange.id);
    if (issuer === undefined) throw new Error('not read');
    const claim = { der: makeLeaf(strange, svid), issuer, spki: key.spki, identity: IDENTITY };
    expect(() => checkLeaf(crypto, withStranger, claim, now)).toThrow(refusal('chain-unknown-issuer'));
  });

  it('that cannot be read to its last byte', () => {
    const der = Buffer.concat([makeLeaf(ca.svid, svid), Buffer.of(0)]);
    expect(() => checkLeaf(crypto, bundle, claimFor(Uint8Array.from(der)), now)).toThrow(refusal('der-trailing'));
  });

  it('that is an intermediate itself', () => {
    expect(() => checkLeaf(crypto, bundle, { ...claimFor(ca.svid.der), spki: ca.svid.key.spki }, now)).toThrow(
      refusal('expected spiffe'),
    );
  });

  it('and what is as asked for passes', () => {
    expect(checkLeaf(crypto, bundle, claimFor(makeLeaf(ca.svid, svid)), now).chain.length).toBe(3);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import type { TrustDocument } from '../../../ca-service/src/client/protocol.ts';
import { acceptBundle } from '../../../csr-agent/src/trust/accept.ts';
import { type Bundle, readBundle } from '../../../csr-agent/src/trust/bundle.ts';
import { nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { crossCertificate, makeRoot, type TestRoot } from '../support/authority.ts';
import { FakeCa } from '../support/fake_ca.ts';

const crypto = nodeCrypto();
let a: TestRoot;
let b: TestRoot;
let c: TestRoot;
let ca: FakeCa;

beforeEach(async () => {
  [a, b, c] = await Promise.all([makeRoot(), makeRoot(), makeRoot()]);
  ca = new FakeCa();
  ca.roots = [a];
  await ca.generation(a);
});

const bundleOf = (changes: Partial<TrustDocument> = {}): Bundle => readBundle({ ...ca.trustDocument(), ...changes });

function accept(bundle: Bundle, held: Bundle | null, pins: readonly string[] = [a.pin], now = Date.now()): void {
  const { trustDomain, cluster } = ca;
  acceptBundle(bundle, { crypto, trustDomain, cluster, pins: new Set(pins), held, now });
}

/** A bundle with these roots and cross-certificates, one version further. */
function next(roots: TestRoot[], crosses: Uint8Array[]): Bundle {
  ca.roots = roots;
  ca.crosses = crosses;
  ca.bundleVersion++;
  return bundleOf();
}

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

describe('the first bundle', () => {
  it('is accepted when each root is pinned', () => {
    ca.roots = [a, b];
    expect(() => accept(bundleOf(), null, [a.pin, b.pin])).not.toThrow();
  });

  it('is refused whole with one root that is neither pinned nor certified by a pinned one', () => {
    ca.roots = [a, b];
    expect(() => accept(bundleOf(), null, [a.pin])).toThrow(code('root-not-accepted'));
  });

  it('is refused without any pin', () => {
    expect(() => accept(bundleOf(), null, [])).toThrow(code('root-not-accepted'));
  });

  it('may bring a root that a pinned one certifies', async () => {
    const bundle = next([b, a], [await crossCertificate(b, a)]);
    expect(() => accept(bundle, null, [a.pin])).not.toThrow();
  });
});

describe('a later bundle', () => {
  let held: Bundle;
  beforeEach(() => {
    held = bundleOf();
  });

  it('may repeat the roots', () => {
    expect(() => accept(next([a], []), held)).not.toThrow();
  });

  it('with a new root and no cross-certificate is refused', () => {
    expect(() => accept(next([a, b], []), held)).toThrow(code('root-not-accepted'));
  });

  it('with a new root that an operator pinned is refused: pins count only while no bundle is stored', () => {
    expect(() => accept(next([a, b], []), held, [a.pin, b.pin])).toThrow(code('root-not-accepted'));
  });

  it('with a new root certified by an accepted one is accepted', async () => {
    const cross = await crossCertificate(b, a);
    expect(() => accept(next([a, b], [cross]), held)).not.toThrow();
  });

  it('may lead over two cross-certificates to a root two rotations away', async () => {
    const crosses = [await crossCertificate(c, b), await crossCertificate(b, a)];
    expect(() => accept(next([c], crosses), held)).not.toThrow();
    expect(() => accept(next([c], crosses.slice(0, 1)), held)).toThrow(code('root-not-accepted'));
  });

  it('with cross-certificates in a circle is judged, and refused', async () => {
    const crosses = [await crossCertificate(c, b), await crossCertificate(b, c)];
    expect(() => accept(next([a, b, c], crosses), held)).toThrow(code('root-not-accepted'));
  });

  it('with a cross-certificate by the new root for the old one is refused: the arrow points from old to new', async () => {
    const cross = await crossCertificate(a, b);
    expect(() => accept(next([a, b], [cross]), held)).toThrow(code('root-not-accepted'));
  });

  it('with a cross-certificate of the right names and a wrong signature is refused', async () => {
    const cross = Uint8Array.from(await crossCertificate(b, a));
    cross[cross.length - 3] = (cross[cross.length - 3] ?? 0) ^ 1;
    expect(() => accept(next([a, b], [cross]), held)).toThrow(code('root-not-accepted'));
  });

  it('with a cross-certificate that has expired is refused', async () => {
    const bundle = next([b], [await crossCertificate(b, a)]);
    const after = Date.now() + 3_650 * 86_400_000 + 1_000;
    expect(() => accept(bundle, held, [], after)).toThrow(/root/);
  });

  it('with an intermediate that stands as a root is refused', () => {
    const certificate = Buffer.from(ca.svid.der).toString('base64');
    ca.bundleVersion++;
    const { roots } = ca.trustDocument();
    expect(() => accept(bundleOf({ roots: [...roots, certificate] }), held)).toThrow(code('root-unfit'));
  });

  it('of a lower version is refused, and so is one of a lower epoch', () => {
    ca.bundleVersion--;
    expect(() => accept(bundleOf(), held)).toThrow(code('bundle-version-lower'));
    ca.bundleVersion++;
    ca.epoch--;
    expect(() => accept(bundleOf(), held)).toThrow(code('epoch-lower'));
  });

  it('of the same version with other roots is refused, also when one was only dropped', async () => {
    const two = next([a, b], [await crossCertificate(b, a)]);
    ca.roots = [a];
    expect(() => accept(bundleOf(), two)).toThrow(code('bundle-changed'));
  });

  it('of the same version with the roots in another order is accepted: the active one has changed', async () => {
    const two = next([a, b], [await crossCertificate(b, a)]);
    ca.roots = [b, a];
    expect(() => accept(bundleOf(), two)).not.toThrow();
  });

  it('for another cluster or trust domain is refused', () => {
    expect(() => accept(bundleOf({ cluster: 'east' }), held)).toThrow(code('trust-foreign'));
    expect(() => accept(bundleOf({ trustDomain: 'other.test' }), held)).toThrow(code('trust-foreign'));
  });

  it('with a certificate that cannot be read is refused', () => {
    expect(() => bundleOf({ roots: ['AAAA'] })).toThrow(code('trust-malformed'));
  });
});

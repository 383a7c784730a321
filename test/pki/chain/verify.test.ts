import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import { ChainMemo, verifyChain, type ChainPurpose, type ChainResult } from '../../../pki/src/chain/verify.ts';
import { generateNodeKey, nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { webCrypto } from '../../../pki/src/crypto/web.ts';
import { NOW } from '../authority.ts';
import { authorityKeyId, subjectKeyId } from '../tbs.ts';
import { ca, leaf, type TestCa } from './chains.ts';

const crypto = nodeCrypto();
const root = ca({ commonName: 'root' });
const intermediate = ca({ commonName: 'int', issuer: root, pathLength: 0 });
const svid = leaf(intermediate);

const verify = (
  bottom: Uint8Array,
  intermediates: TestCa[],
  roots: TestCa[],
  purpose: ChainPurpose = 'both',
): ChainResult =>
  verifyChain({
    crypto,
    leaf: bottom,
    intermediates: intermediates.map(({ der }) => der),
    roots: roots.map(({ der }) => der),
    now: NOW,
    purpose,
  });

describe('a chain is accepted', () => {
  it('and its path goes from the leaf to the root', () => {
    const result = verify(svid, [intermediate], [root]);
    expect(result).toMatchObject({ ok: true });
    const path = result.ok ? result.path.map(({ der }) => der) : [];
    expect(path).toEqual([svid, intermediate.der, root.der]);
  });

  it('at once with a synchronous port, and the same by promise with WebCrypto', async () => {
    const options = { leaf: svid, intermediates: [intermediate.der], roots: [root.der], now: NOW };
    const later = verifyChain({ ...options, crypto: webCrypto() });
    expect(later).toBeInstanceOf(Promise);
    expect(await later).toMatchObject({ ok: true });
    const wrong = await verifyChain({ ...options, crypto: webCrypto(), roots: [ca({ commonName: 'root' }).der] });
    expect(wrong).toMatchObject({ ok: false, code: 'chain-signature' });
  });

  it('with a leaf directly below a root', () => {
    expect(verify(leaf(root), [], [root])).toMatchObject({ ok: true });
  });

  it('by a cross-certificate, with the intermediates in any order and roots that do not matter beside the one that does', () => {
    const older = ca({ commonName: 'older' });
    const cross = ca({ commonName: 'root', key: root.key, issuer: older, pathLength: 1 });
    const chain = [intermediate, cross, ca({ commonName: 'other', issuer: older })];
    fc.assert(
      fc.property(
        fc.shuffledSubarray(chain, { minLength: 3 }),
        fc.shuffledSubarray([older, ca({ commonName: 'unrelated' })], { minLength: 2 }),
        (intermediates, roots) => {
          expect(verify(svid, intermediates, roots)).toMatchObject({ ok: true });
        },
      ),
      { numRuns: 20 },
    );
  });

  it('by the newer root when the cross-certificate has expired', () => {
    const older = ca({ commonName: 'older' });
    const cross = ca({ commonName: 'root', key: root.key, issuer: older, notAfter: NOW - 1000 });
    expect(verify(svid, [cross, intermediate], [older, root])).toMatchObject({ ok: true });
    expect(verify(svid, [cross, intermediate], [older])).toMatchObject({ ok: false, code: 'chain-expired' });
  });

  it('with an expired root in the trust set beside the one that counts', () => {
    const expired = ca({ commonName: 'root', key: root.key, notAfter: NOW - 1000 });
    expect(verify(svid, [intermediate], [expired, root])).toMatchObject({ ok: true });
  });

  it('with the root among the intermediates, as pilot-agent sends it', () => {
    expect(verify(svid, [intermediate, root], [root])).toMatchObject({ ok: true });
  });

  it('with six intermediates', () => {
    const chain = [ca({ commonName: 'i0', issuer: root })];
    for (let i = 1; i < 6; i++) chain.push(ca({ commonName: `i${i}`, issuer: chain[i - 1] as TestCa }));
    expect(verify(leaf(chain[5] as TestCa), chain, [root])).toMatchObject({ ok: true });
  });

  it.each(['ec-p384', 'rsa-2048'] as const)('below a %s root', (type) => {
    const strong = ca({ commonName: 'strong', key: generateNodeKey(type) });
    const below = ca({ commonName: 'below', issuer: strong });
    expect(verify(leaf(below), [below], [strong])).toMatchObject({ ok: true });
  });

  it('on the first and on the last moment of its validity', () => {
    const { notBefore, notAfter } = parseCertificate(svid);
    const options = { crypto, leaf: svid, intermediates: [intermediate.der], roots: [root.der] };
    expect(verifyChain({ ...options, now: notBefore }).ok).toBe(true);
    expect(verifyChain({ ...options, now: notBefore - 1 })).toMatchObject({ code: 'chain-not-yet-valid' });
    expect(verifyChain({ ...options, now: notAfter }).ok).toBe(true);
    expect(verifyChain({ ...options, now: notAfter + 1 })).toMatchObject({ code: 'chain-expired' });
  });

  it('through the issuer whose key identifier the leaf names, of two with one name', () => {
    const [a, b] = [1, 2].map((n) =>
      ca({ commonName: 'twin', issuer: root, add: [subjectKeyId(new Uint8Array(20).fill(n))] }),
    ) as [TestCa, TestCa];
    const key = authorityKeyId(new Uint8Array(20).fill(2));
    const bottom = ca({ commonName: 'bottom', issuer: b, add: [key] });
    const seen: Uint8Array[] = [];
    const counting = {
      verify: (...args: Parameters<typeof crypto.verify>): boolean => {
        seen.push(args[1]);
        return crypto.verify(...args);
      },
    };
    const result = verifyChain({
      crypto: counting,
      leaf: leaf(bottom),
      intermediates: [bottom.der, a.der, b.der],
      roots: [root.der],
      now: NOW,
    });
    expect(result).toMatchObject({ ok: true });
    expect(seen).toHaveLength(3);
  });
});

describe('a memo', () => {
  it('saves every signature but that of the leaf', () => {
    let count = 0;
    const counting = {
      verify: (...args: Parameters<typeof crypto.verify>): boolean => {
        count += 1;
        return crypto.verify(...args);
      },
    };
    const known = {
      crypto: counting,
      intermediates: [parseCertificate(intermediate.der)],
      roots: [parseCertificate(root.der)],
      now: NOW,
      memo: new ChainMemo(),
    };
    const parsedLeaf = parseCertificate(svid);
    expect(verifyChain({ ...known, leaf: parsedLeaf }).ok).toBe(true);
    expect(count).toBe(2);
    expect(verifyChain({ ...known, leaf: parsedLeaf }).ok).toBe(true);
    expect(count).toBe(3);
  });

  it('does not outlast the time, nor remember a bad signature', () => {
    const impostor = ca({ commonName: 'int', issuer: { ...root, key: generateNodeKey('ec-p256') } });
    const memo = new ChainMemo();
    const options = {
      crypto,
      leaf: leaf(impostor),
      intermediates: [parseCertificate(impostor.der)],
      roots: [parseCertificate(root.der)],
      memo,
    };
    expect(verifyChain({ ...options, now: NOW })).toMatchObject({ code: 'chain-signature' });
    expect(verifyChain({ ...options, now: NOW })).toMatchObject({ code: 'chain-signature' });
    const good = { ...options, leaf: svid, intermediates: [parseCertificate(intermediate.der)] };
    expect(verifyChain({ ...good, now: NOW }).ok).toBe(true);
    expect(verifyChain({ ...good, now: NOW + 86_400_001 })).toMatchObject({ code: 'chain-expired' });
  });
});

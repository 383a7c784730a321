import { describe, expect, it } from 'vitest';
import { verifyChain, type ChainPurpose, type ChainResult } from '../../../pki/src/chain/verify.ts';
import { generateNodeKey, nodeCrypto } from '../../../pki/src/crypto/node.ts';
import { EKU_CLIENT_AUTH, EKU_SERVER_AUTH, KEY_USAGE } from '../../../pki/src/profiles.ts';
import { NOW } from '../authority.ts';
import {
  authorityKeyId,
  CA,
  directoryName,
  dns,
  extendedKeyUsage,
  extension,
  ip,
  mail,
  nameConstraints,
  otherName,
  subjectKeyId,
  uri,
} from '../tbs.ts';
import { ca, leaf, leafExtensions, type CaOptions, type TestCa } from './chains.ts';
import { encodeTime } from '../../../pki/src/certificate/time.ts';

const crypto = nodeCrypto();
const root = ca({ commonName: 'root' });
const plain = ca({ commonName: 'int', issuer: root });
const ID = uri('spiffe://cluster.local/ns/default/sa/a');

interface Chain {
  readonly bottom: Uint8Array;
  readonly intermediates?: readonly TestCa[];
  readonly roots?: readonly TestCa[];
  readonly purpose?: ChainPurpose;
}

const ders = (list: readonly TestCa[]): Uint8Array[] => list.map(({ der }) => der);

function verify({ bottom, intermediates = [plain], roots = [root], purpose = 'both' }: Chain): ChainResult {
  return verifyChain({
    crypto,
    leaf: bottom,
    intermediates: ders(intermediates),
    roots: ders(roots),
    now: NOW,
    purpose,
  });
}

/** A chain whose intermediate is wrong in one way. */
function below(options: Partial<CaOptions>, names = [ID]): Chain {
  const intermediate = ca({ commonName: 'bad', issuer: root, ...options });
  return { bottom: leaf(intermediate, {}, names), intermediates: [intermediate] };
}

/** A chain whose leaf is wrong in one way. */
const bottom = (options: Parameters<typeof leafExtensions>[0]): Chain => ({
  bottom: leaf(plain, { extensions: leafExtensions(options) }),
});

function deep(length: number): Chain {
  const chain: TestCa[] = [ca({ commonName: 'i0', issuer: root })];
  for (let i = 1; i < length; i++) chain.push(ca({ commonName: `i${i}`, issuer: chain[i - 1] as TestCa }));
  return { bottom: leaf(chain[length - 1] as TestCa), intermediates: chain };
}

const constrained = (part: Parameters<typeof nameConstraints>[0], names?: Uint8Array[], critical = true): Chain =>
  below({ add: [nameConstraints(part, critical)] }, names);

const unknown = extension('1.2.3.4', true, Uint8Array.of(5, 0));
const policies = extension('2.5.29.32', true, Uint8Array.of(0x30, 6, 0x30, 4, 6, 2, 0x2a, 3));
const short = ca({ commonName: 'short', pathLength: 0 });
const tight = ca({ commonName: 'tight', pathLength: 0, issuer: root });
const lower = ca({ commonName: 'lower', issuer: tight });
const lowest = ca({ commonName: 'lowest', issuer: short });
const weak = ca({ commonName: 'root', usage: KEY_USAGE.cRLSign, key: root.key });
const expiredRoot = ca({ commonName: 'root', key: root.key, notAfter: NOW - 1000 });

const refused: [what: string, code: string, chain: Chain][] = [
  ['without its intermediate', 'chain-unknown-issuer', { bottom: leaf(plain), intermediates: [] }],
  ['without a root', 'chain-unknown-issuer', { bottom: leaf(plain), roots: [] }],
  ['to another root', 'chain-unknown-issuer', { bottom: leaf(plain), roots: [ca({ commonName: 'other' })] }],
  [
    'to a root of the same name and another key',
    'chain-signature',
    { bottom: leaf(plain), roots: [ca({ commonName: 'root' })] },
  ],
  [
    'signed by another key than the issuer has',
    'chain-signature',
    { bottom: leaf({ ...plain, key: generateNodeKey('ec-p256') }) },
  ],
  ['whose leaf is a CA', 'chain-leaf-is-ca', bottom({ basic: CA })],
  ['whose leaf is an intermediate', 'chain-leaf-is-ca', { bottom: plain.der }],
  ['whose leaf has expired', 'chain-expired', { bottom: leaf(plain, { notAfter: encodeTime(NOW - 1000) }) }],
  [
    'whose leaf is not valid yet',
    'chain-not-yet-valid',
    { bottom: leaf(plain, { notBefore: encodeTime(NOW + 1000) }) },
  ],
  [
    'whose leaf may sign certificates',
    'chain-key-usage',
    bottom({ usage: KEY_USAGE.digitalSignature | KEY_USAGE.keyCertSign }),
  ],
  ['whose leaf may sign CRLs', 'chain-key-usage', bottom({ usage: KEY_USAGE.digitalSignature | KEY_USAGE.cRLSign })],
  ['whose leaf may not sign', 'chain-key-usage', bottom({ usage: KEY_USAGE.keyAgreement })],
  ['whose leaf is for servers only', 'chain-extended-key-usage', bottom({ purposes: [EKU_SERVER_AUTH] })],
  ['whose leaf is for clients only', 'chain-extended-key-usage', bottom({ purposes: [EKU_CLIENT_AUTH] })],
  [
    'whose leaf is for any purpose, which webpki does not read',
    'chain-extended-key-usage',
    bottom({ purposes: ['2.5.29.37.0'] }),
  ],
  ['whose leaf has an unknown critical extension', 'chain-unknown-critical', bottom({ add: [unknown] })],
  ['whose leaf has critical policies', 'chain-unknown-critical', bottom({ add: [policies] })],
  [
    'whose leaf has a critical AKI',
    'chain-unknown-critical',
    bottom({ add: [authorityKeyId(new Uint8Array(20), true)] }),
  ],
  [
    'whose leaf has name constraints',
    'chain-name-constraint',
    bottom({ add: [nameConstraints({ excluded: [dns('a')] })] }),
  ],
  [
    'whose leaf has no name at all',
    'chain-leaf-name',
    { bottom: leaf(plain, { extensions: leafExtensions({}).slice(0, 3) }) },
  ],
  ['whose intermediate is no CA', 'chain-not-a-ca', below({ basic: null })],
  ['whose intermediate says CA:FALSE', 'chain-not-a-ca', { ...below({}), ...intermediateIsLeaf() }],
  [
    'whose intermediate lacks keyCertSign, which ztunnel accepts',
    'chain-key-usage',
    below({ usage: KEY_USAGE.cRLSign }),
  ],
  ['whose intermediate has no keyUsage', 'chain-key-usage', below({ usage: null })],
  ['whose intermediate has expired', 'chain-expired', below({ notAfter: NOW - 1000 })],
  ['whose intermediate is not valid yet', 'chain-not-yet-valid', below({ notBefore: NOW + 1000 })],
  [
    'whose intermediate is for servers only',
    'chain-extended-key-usage',
    below({ add: [extendedKeyUsage([EKU_SERVER_AUTH])] }),
  ],
  ['whose intermediate has an unknown critical extension', 'chain-unknown-critical', below({ add: [unknown] })],
  [
    'whose intermediate has a critical SKI',
    'chain-unknown-critical',
    below({ add: [subjectKeyId(new Uint8Array(20), true)] }),
  ],
  ['whose intermediate has no name', 'chain-not-a-ca', nameless()],
  [
    'whose intermediate breaks the pathlen of another',
    'chain-path-length',
    { bottom: leaf(lower), intermediates: [lower, tight] },
  ],
  [
    'whose intermediate breaks the pathlen of the root, which webpki does not look at',
    'chain-path-length',
    { bottom: leaf(lowest), intermediates: [lowest], roots: [short] },
  ],
  ['with seven intermediates', 'chain-too-long', deep(7)],
  [
    'whose root has expired, which only ztunnel accepts',
    'chain-expired',
    { bottom: leaf(plain), roots: [expiredRoot] },
  ],
  ['whose root may not sign certificates', 'chain-key-usage', { bottom: leaf(plain), roots: [weak] }],
  [
    'below a URI constraint that fits',
    'chain-name-constraint-kind',
    constrained({ permitted: [uri('cluster.local')] }),
  ],
  [
    'below a URI constraint that is not critical',
    'chain-name-constraint-kind',
    constrained({ permitted: [uri('cluster.local')] }, undefined, false),
  ],
  ['below an excluded URI of another domain', 'chain-name-constraint-kind', constrained({ excluded: [uri('other')] })],
  ['below a directoryName constraint', 'chain-name-constraint-kind', constrained({ permitted: [directoryName('a')] })],
  [
    'below an otherName constraint, which Go refuses',
    'chain-name-constraint-kind',
    constrained({ excluded: [otherName()] }),
  ],
  [
    'with a DNS name that is excluded',
    'chain-name-constraint',
    constrained({ excluded: [dns('')] }, [ID, dns('a.svc')]),
  ],
  [
    'with an IP address that is excluded',
    'chain-name-constraint',
    constrained({ excluded: [ip(0, 0, 0, 0, 0, 0, 0, 0)] }, [ID, ip(10, 0, 0, 1)]),
  ],
  [
    'with a mailbox that is not permitted',
    'chain-name-constraint',
    constrained({ permitted: [mail('svid.invalid')] }, [ID, mail('a@b.c')]),
  ],
];

function nameless(): Chain {
  const intermediate = ca({ commonName: '', issuer: root });
  return { bottom: leaf(intermediate, { issuer: Uint8Array.of(0x30, 0) }), intermediates: [intermediate] };
}

function intermediateIsLeaf(): Partial<Chain> {
  const holder: TestCa = { commonName: 'leaf', key: generateNodeKey('ec-p256'), der: new Uint8Array() };
  const der = ca({ commonName: 'leaf', key: holder.key, issuer: root, basic: null, usage: KEY_USAGE.digitalSignature });
  return { bottom: leaf(der), intermediates: [der] };
}

describe('a chain is refused', () => {
  it.each(refused)('%s: %s', (_, code, chain) => {
    expect(verify(chain)).toMatchObject({ ok: false, code });
  });

  it('with the stable code of the reader when something in it cannot be read', () => {
    const options = { crypto, leaf: leaf(plain), intermediates: [plain.der], roots: [root.der], now: NOW };
    const broken = Uint8Array.of(0x30, 3, 1);
    expect(verifyChain({ ...options, leaf: broken })).toMatchObject({ ok: false, code: 'der-truncated' });
    expect(verifyChain({ ...options, intermediates: [plain.der, broken] })).toMatchObject({ code: 'der-truncated' });
    expect(verifyChain({ ...options, roots: [root.der, broken] })).toMatchObject({ code: 'der-truncated' });
  });

  it('for the first reason that says more than that nobody issued it', () => {
    const twin = ca({ commonName: 'root' });
    expect(verify({ bottom: leaf(plain), roots: [expiredRoot, twin] })).toMatchObject({ code: 'chain-expired' });
    expect(verify({ bottom: leaf(plain), roots: [twin, expiredRoot] })).toMatchObject({ code: 'chain-signature' });
  });

  it('unless the purpose that is asked for is one the leaf is for', () => {
    const server = bottom({ purposes: [EKU_SERVER_AUTH] });
    expect(verify({ ...server, purpose: 'server' }).ok).toBe(true);
    expect(verify({ ...server, purpose: 'any' }).ok).toBe(true);
    expect(verify({ ...server, purpose: 'client' })).toMatchObject({ code: 'chain-extended-key-usage' });
  });
});

describe('a search that was made to explode', () => {
  it('ends at a hundred signatures', () => {
    // Sixty CAs of one name and different keys: any of them may have issued any other, and none leads to a root.
    const maze = Array.from({ length: 60 }, () => ca({ commonName: 'maze', issuer: { ...root, commonName: 'maze' } }));
    let count = 0;
    const result = verifyChain({
      crypto: {
        verify: () => {
          count += 1;
          return true;
        },
      },
      leaf: leaf(maze[0] as TestCa),
      intermediates: maze.map(({ der }) => der),
      roots: [root.der],
      now: NOW,
    });
    expect(result).toMatchObject({ ok: false, code: 'chain-budget' });
    expect(count).toBeLessThanOrEqual(100);
  });

  it('ends on certificates that issued each other', () => {
    const [x, y] = [generateNodeKey('ec-p256'), generateNodeKey('ec-p256')];
    const a = ca({ commonName: 'a', key: x, issuer: { commonName: 'b', key: y, der: new Uint8Array() } });
    const b = ca({ commonName: 'b', key: y, issuer: { commonName: 'a', key: x, der: new Uint8Array() } });
    expect(verify({ bottom: leaf(a), intermediates: [a, b] })).toMatchObject({
      ok: false,
      code: 'chain-unknown-issuer',
    });
  });
});

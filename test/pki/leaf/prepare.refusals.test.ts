import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../../pki/src/certificate/parse.ts';
import type { Signer } from '../../../pki/src/crypto/port.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import {
  compareSigned,
  issuerTemplate,
  LintedLeaf,
  lintLeaf,
  PreparedLeaf,
  prepareLeaf,
  signLeaf,
} from '../../../pki/src/leaf/prepare.ts';
import { KEY_USAGE } from '../../../pki/src/profiles.ts';
import { authorityKey, NOW } from '../authority.ts';
import { basicConstraints, CA, keyUsage, name, signTbs, subjectKeyId, writeTbs } from '../tbs.ts';
import { leafKey, root, serving, svid, svidFacts } from './facts.ts';

const code = (value: string): unknown => expect.objectContaining({ code: value });
const linted = (): LintedLeaf => lintLeaf(prepareLeaf(svidFacts()), NOW);

const write = (extensions: Uint8Array[], subject = name('int')): Uint8Array =>
  signTbs(writeTbs({ spki: svid.spki, subject, extensions }), root.signer);

describe('what was not linted cannot be signed', () => {
  it('a prepared leaf is refused by the signer, at run time as by the compiler', () => {
    // @ts-expect-error a PreparedLeaf is no LintedLeaf
    expect(() => signLeaf(prepareLeaf(svidFacts()), svid.signer)).toThrow(code('lint-unlinted'));
  });

  it('a linted leaf cannot be made by hand', () => {
    const prepared = prepareLeaf(svidFacts());
    expect(() => new LintedLeaf(Symbol('leaf'), prepared)).toThrow(code('lint-unlinted'));
    expect(() => new PreparedLeaf(Symbol('leaf'), new Uint8Array(), svidFacts())).toThrow(code('lint-unlinted'));
  });

  it('an object that only looks like one is refused', () => {
    const forged = Object.create(LintedLeaf.prototype) as LintedLeaf;
    expect(() => signLeaf(forged, svid.signer)).toThrow(TypeError);
  });

  it('bytes cannot be linted', () => {
    const { tbs } = parseCertificate(signLeaf(linted(), svid.signer));
    expect(() => lintLeaf(tbs as unknown as PreparedLeaf, NOW)).toThrow(TypeError);
  });
});

describe('a linted leaf is refused', () => {
  it('the second time', () => {
    const leaf = linted();
    signLeaf(leaf, svid.signer);
    expect(() => signLeaf(leaf, svid.signer)).toThrow(code('leaf-spent'));
  });

  it('a second time even when the first signature failed', () => {
    const leaf = linted();
    const broken: Signer = {
      ...svid.signer,
      sign: () => {
        throw new Error('no key');
      },
    };
    expect(() => signLeaf(leaf, broken)).toThrow('no key');
    expect(() => signLeaf(leaf, svid.signer)).toThrow(code('leaf-spent'));
  });

  it('by the key of another intermediate, and can then still be signed by its own', () => {
    const leaf = linted();
    expect(() => signLeaf(leaf, serving.signer)).toThrow(code('leaf-signer'));
    expect(parseCertificate(signLeaf(leaf, svid.signer)).uriSans).toHaveLength(1);
  });

  it('by a signer of another algorithm', () => {
    expect(() => signLeaf(linted(), { ...svid.signer, algorithm: 'ecdsa-sha384' })).toThrow(code('leaf-signer'));
  });
});

describe('what was signed is compared with what was linted', () => {
  it('another leaf is refused', () => {
    const leaf = linted();
    signLeaf(leaf, svid.signer);
    expect(() => compareSigned(leaf, signLeaf(linted(), svid.signer))).toThrow(code('certificate-mismatch'));
  });

  it('every changed byte of the TBSCertificate is refused', () => {
    const leaf = linted();
    const der = signLeaf(leaf, svid.signer);
    const end = 4 + parseCertificate(der).tbs.length;
    for (let i = 4; i < end; i++) {
      const changed = der.slice();
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(() => compareSigned(leaf, changed)).toThrow(PkiError);
    }
  });

  it('a signer that writes into its input changes nothing', () => {
    const leaf = linted();
    const meddler = { ...svid.signer, sign: (data: Uint8Array) => svid.signer.sign(data.fill(0)) };
    expect(() => compareSigned(leaf, signLeaf(leaf, meddler))).not.toThrow();
  });

  it('bytes after the signature are refused', () => {
    const leaf = linted();
    const der = signLeaf(leaf, svid.signer);
    expect(() => compareSigned(leaf, Uint8Array.from([...der, 0]))).toThrow(code('der-trailing'));
  });
});

describe('facts that cannot be written are refused', () => {
  it.each([
    ['of 15 octets', Uint8Array.from({ length: 15 }, () => 1)],
    ['of 17 octets', Uint8Array.from({ length: 17 }, () => 1)],
    ['that is negative', Uint8Array.from({ length: 16 }, () => 0x80)],
    ['of zeros', new Uint8Array(16)],
  ])('a serial %s', (_, serial) => {
    expect(() => prepareLeaf(svidFacts({ serial }))).toThrow(code('profile-facts'));
  });

  it('a validity that is not of whole seconds', () => {
    expect(() => prepareLeaf(svidFacts({ notAfter: NOW + 86_400_001 }))).toThrow(code('certificate-time'));
  });
});

describe('an issuer is refused', () => {
  const ca = basicConstraints(CA);
  const usage = keyUsage(KEY_USAGE.keyCertSign);
  const ski = subjectKeyId(new Uint8Array(20));

  it('a good one is taken', () => {
    expect(issuerTemplate(write([ca, usage, ski])).signatureAlgorithm).toBe('ecdsa-sha256');
  });

  it.each([
    ['without basicConstraints', write([usage, ski])],
    ['that is no CA', write([basicConstraints(new Uint8Array()), usage, ski])],
    ['without keyUsage', write([ca, ski])],
    ['without keyCertSign', write([ca, keyUsage(KEY_USAGE.cRLSign), ski])],
    ['without a key identifier', write([ca, usage])],
    ['without a name', write([ca, usage, ski], Uint8Array.of(0x30, 0))],
  ])('%s', (_, der) => {
    expect(() => issuerTemplate(der)).toThrow(code('profile-facts'));
  });
});

describe('the key', () => {
  it('of the issuer itself is refused for a leaf', () => {
    expect(() => lintLeaf(prepareLeaf(svidFacts({ spki: svid.spki })), NOW)).toThrow(/key-not-issuer/);
  });

  it('of another intermediate of the same type cannot sign', async () => {
    const { signer } = await authorityKey();
    expect(() => signLeaf(linted(), signer)).toThrow(code('leaf-signer'));
    expect(leafKey.spki).not.toEqual(signer.spki);
  });
});

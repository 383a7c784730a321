import { generateKeyPairSync, X509Certificate as NodeCertificate } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, toHex } from '../../../pki/src/bytes.ts';
import { parseCertificate, parseTbs } from '../../../pki/src/certificate/parse.ts';
import { encodeTime } from '../../../pki/src/certificate/time.ts';
import { decodeOid, encodeOid } from '../../../pki/src/der/oid.ts';
import { contextTag, contextTagConstructed } from '../../../pki/src/der/tags.ts';
import { DER_NULL, octetString, sequence, setOfOne, tlv } from '../../../pki/src/der/writer.ts';
import { PkiError } from '../../../pki/src/errors.ts';
import { KEY_USAGE } from '../../../pki/src/profiles.ts';
import { testIntermediate, testRoot } from '../authority.ts';
import { leaf, leafExtensions, leafKey, ca } from '../chain/chains.ts';
import { X509Certificate } from '../peculiar.ts';
import {
  basicConstraints,
  CA,
  directoryName,
  dns,
  extendedKeyUsage,
  extension,
  ip,
  keyUsage,
  mail,
  nameConstraints,
  otherName,
  san,
  signTbs,
  uri,
  writeTbs,
  type TbsParts,
} from '../tbs.ts';

const root = ca({ commonName: 'root' });
const write = (parts: Partial<TbsParts> = {}): Uint8Array =>
  writeTbs({ spki: leafKey.spki, extensions: leafExtensions({}), ...parts });
const withExtension = (...added: Uint8Array[]): Uint8Array => write({ extensions: added });

const aki = (...content: Uint8Array[]): Uint8Array => extension('2.5.29.35', false, sequence(...content));
const rdn = (...content: Uint8Array[]): Uint8Array => sequence(tlv(0x31, ...content));
const subtree = (n: number, ...content: Uint8Array[]): Uint8Array =>
  extension('2.5.29.30', true, sequence(tlv(contextTagConstructed(n), ...content)));

const samples = async (): Promise<Uint8Array[]> => {
  const authority = await testRoot();
  return [authority.certificate, (await testIntermediate(authority)).certificate, leaf(root)];
};

/** OIDs of a list of one extension; one whose value is not for its OID is refused after its name was read. */
function extensionIds(element: Uint8Array): string[] {
  try {
    return parseTbs(withExtension(element)).extensions.map(({ oid }) => oid);
  } catch (error) {
    const [, arc] = /^2\.5\.29\.(\d+)$/.exec(decodeOid(element.subarray(4, 4 + (element[3] ?? 0)))) ?? [];
    if (arc === undefined) throw error;
    return [`2.5.29.${arc}`];
  }
}

/** The bytes with one of them changed. */
const near = (content: string): fc.Arbitrary<Uint8Array> =>
  fc.tuple(fc.nat(content.length / 2 - 1), fc.nat(0x7f)).map(([at, octet]) => {
    const changed = fromHex(content);
    changed[at] = octet;
    return changed;
  });

function outcome(der: Uint8Array): string {
  try {
    return parseCertificate(der).tbs.length > 0 ? 'read' : 'read nothing';
  } catch (error) {
    return error instanceof PkiError ? 'refused' : String(error);
  }
}

describe('a certificate is read', () => {
  it('as Node and @peculiar/x509 read it', async () => {
    const authority = await testRoot();
    for (const der of [authority.certificate, (await testIntermediate(authority)).certificate, leaf(root)]) {
      const ours = parseCertificate(der);
      const node = new NodeCertificate(der);
      const peculiar = new X509Certificate(Uint8Array.from(der));
      expect(toHex(ours.serial)).toBe(node.serialNumber.toLowerCase());
      expect(ours.notBefore).toBe(peculiar.notBefore.getTime());
      expect(ours.notAfter).toBe(peculiar.notAfter.getTime());
      expect(ours.basicConstraints?.ca ?? false).toBe(node.ca);
      expect(ours.spki).toEqual(new Uint8Array(node.publicKey.export({ format: 'der', type: 'spki' })));
      expect(ours.extensions.map(({ oid }) => oid)).toEqual(peculiar.extensions.map(({ type }) => type));
      expect(ours.extensions.map(({ critical }) => critical)).toEqual(
        peculiar.extensions.map(({ critical }) => critical),
      );
    }
  });

  it('with its names by kind', () => {
    const names = [uri('spiffe://a/b'), dns('a.b'), mail('a@b'), ip(10, 0, 0, 1), directoryName('x'), otherName()];
    expect(parseTbs(withExtension(san(names)))).toMatchObject({
      uriSans: ['spiffe://a/b'],
      dnsSans: ['a.b'],
      mailSans: ['a@b'],
      ipSans: [Uint8Array.of(10, 0, 0, 1)],
      otherSans: true,
    });
  });

  it('with its name constraints by kind', () => {
    const permitted = [dns('a'), mail('b'), ip(10, 0, 0, 0, 255, 0, 0, 0)];
    const constraints = nameConstraints({ permitted, excluded: [dns(''), uri('c'), directoryName('d'), otherName()] });
    expect(parseTbs(withExtension(constraints)).nameConstraints).toEqual({
      permitted: { dns: ['a'], mail: ['b'], ip: [Uint8Array.of(10, 0, 0, 0, 255, 0, 0, 0)] },
      excluded: { dns: [''], mail: [], ip: [] },
      uri: true,
      directoryName: true,
      other: true,
    });
  });

  it('without extensions', () => {
    expect(parseTbs(write({ extensions: null }))).toMatchObject({
      extensions: [],
      basicConstraints: null,
      uriSans: [],
    });
  });

  it('with every key usage', () => {
    const mask = Object.values(KEY_USAGE).reduce((all, bit) => all | bit, 0);
    expect(parseTbs(withExtension(keyUsage(mask))).keyUsage).toBe(mask);
  });

  it.each([
    ['uri', uri('a')],
    ['directoryName', directoryName('a')],
    ['other', otherName()],
  ] as const)('with a constraint of the kind %s alone told from the others', (kind, subtree) => {
    const constraints = parseTbs(withExtension(nameConstraints({ excluded: [subtree] }))).nameConstraints;
    expect(constraints).toMatchObject({ uri: false, directoryName: false, other: false, [kind]: true });
  });

  it('with an issuer that is named by key identifier, name and serial', () => {
    const content = [tlv(contextTag(0), fromHex('0102')), tlv(contextTagConstructed(1), directoryName('a'))];
    const named = parseTbs(withExtension(aki(...content, tlv(contextTag(2), Uint8Array.of(1)))));
    expect(named.authorityKeyId).toEqual(fromHex('0102'));
    expect(parseTbs(withExtension(aki(tlv(contextTag(2), Uint8Array.of(1))))).authorityKeyId).toBeNull();
  });

  it.each(['00', '7f'.repeat(20)])('with the serial %s, as other CAs make them', (serial) => {
    expect(toHex(parseTbs(write({ serial: tlv(2, fromHex(serial)) })).serial)).toBe(serial);
  });

  it('with object identifiers that nothing else could be taken for', () => {
    const extensionId = fc.oneof(near('551d13'), near('551d'), near('551d1300'));
    const purposeId = fc.oneof(near('2b06010505070301'), near('2b060105050703'), near('2b0601050507030101'));
    fc.assert(
      fc.property(extensionId, purposeId, (id, purpose) => {
        const strange = sequence(tlv(6, id), octetString(sequence()));
        expect(extensionIds(strange)).toEqual([decodeOid(id)]);
        const eku = extension('2.5.29.37', false, sequence(tlv(6, purpose)));
        expect(parseTbs(withExtension(eku)).extendedKeyUsage).toEqual([decodeOid(purpose)]);
      }),
      { numRuns: 2000 },
    );
  });

  it('with the critical extensions named that no consumer must meet', () => {
    const strange = [extension('1.2.3', true, DER_NULL), extension('2.5.29.54', true, DER_NULL)];
    expect(parseTbs(withExtension(...strange, extension('1.2.4', false, DER_NULL))).unknownCritical).toEqual([
      '1.2.3',
      '2.5.29.54',
    ]);
  });
});

describe('a certificate is refused', () => {
  const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey.export({ format: 'der', type: 'spki' });
  const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' });

  it.each<[what: string, code: string, tbs: Uint8Array]>([
    ['of version 1', 'certificate-version', write({ version: null, extensions: null })],
    ['of version 2', 'certificate-version', write({ version: tlv(0xa0, Uint8Array.of(2, 1, 1)) })],
    ['with a negative serial', 'certificate-serial', write({ serial: Uint8Array.of(2, 1, 0x80) })],
    ['with a serial of 21 octets', 'certificate-serial', write({ serial: tlv(2, new Uint8Array(21).fill(1)) })],
    ['with a serial that is not minimal', 'der-value', write({ serial: Uint8Array.of(2, 2, 0, 1) })],
    ['signed with SHA-1', 'certificate-algorithm', write({ algorithm: sequence(encodeOid('1.2.840.10045.4.1')) })],
    ['signed with SHA-512', 'certificate-algorithm', write({ algorithm: sequence(encodeOid('1.2.840.10045.4.3.4')) })],
    [
      'signed with RSA-PSS',
      'certificate-algorithm',
      write({ algorithm: sequence(encodeOid('1.2.840.113549.1.1.10')) }),
    ],
    [
      'with parameters of an ECDSA signature',
      'certificate-algorithm',
      write({ algorithm: fromHex('300c06082a8648ce3d0403020500') }),
    ],
    ['with an empty RDN', 'der-truncated', write({ subject: rdn() })],
    [
      'with a name attribute of three parts',
      'der-trailing',
      write({ subject: rdn(sequence(encodeOid('2.5.4.3'), tlv(0x0c), DER_NULL)) }),
    ],
    [
      'with a name whose value is no string',
      'certificate-name',
      write({ subject: rdn(sequence(encodeOid('2.5.4.3'), tlv(0xa0, Uint8Array.of(0x72)))) }),
    ],
    [
      'with a name that is not UTF-8',
      'bytes-encoding',
      write({ subject: rdn(sequence(encodeOid('2.5.4.3'), tlv(0x0c, Uint8Array.of(0xf0, 0x28)))) }),
    ],
    [
      'with a name that ends within a character',
      'certificate-name',
      write({ subject: rdn(sequence(encodeOid('2.5.4.3'), tlv(0x1e, Uint8Array.of(0, 0x61, 0)))) }),
    ],
    [
      'with an otherName that is none inside',
      'der-tag',
      withExtension(san([tlv(0xa0, encodeOid('1.3.6.1.4.1.311.20.2.3'), DER_NULL)])),
    ],
    ['with an X.400 address', 'certificate-extension', withExtension(san([tlv(0xa3, DER_NULL)]))],
    ['with a directoryName that is none inside', 'der-tag', withExtension(san([tlv(0xa4, DER_NULL)]))],
    ['with a registeredID of no OID', 'der-value', withExtension(san([tlv(contextTag(8))]))],
    [
      'with an AKI that names the issuer by nothing readable',
      'certificate-extension',
      withExtension(aki(tlv(0xa1, DER_NULL))),
    ],
    [
      'with a time of another form',
      'certificate-time',
      write({ notAfter: tlv(0x17, new TextEncoder().encode('2601010000Z')) }),
    ],
    ['with a third time', 'der-trailing', write({ notAfter: concat(encodeTime(0), encodeTime(0)) })],
    ['of a P-521 key', 'key-type', write({ spki: Uint8Array.from(p521) })],
    ['of an Ed25519 key', 'key-type', write({ spki: Uint8Array.from(ed25519) })],
    ['with an issuer unique identifier', 'der-tag', write({ uniqueId: tlv(contextTag(1), Uint8Array.of(0, 1)) })],
    ['with an empty list of extensions', 'der-truncated', write({ extensions: [] })],
    ['with an extension twice', 'certificate-extension', withExtension(keyUsage(1), keyUsage(1))],
    [
      'with 33 extensions',
      'certificate-extension',
      withExtension(...Array.from({ length: 33 }, (_, i) => extension(`1.2.${i}`, false, DER_NULL))),
    ],
    [
      'with critical FALSE written out',
      'certificate-extension',
      withExtension(
        sequence(encodeOid('2.5.29.15'), Uint8Array.of(1, 1, 0), octetString(Uint8Array.of(3, 2, 7, 0x80))),
      ),
    ],
    [
      'with bytes after the value of an extension',
      'der-trailing',
      withExtension(extension('2.5.29.19', true, concat(sequence(), DER_NULL))),
    ],
    ['with CA:FALSE written out', 'certificate-extension', withExtension(basicConstraints(Uint8Array.of(1, 1, 0)))],
    ['with a pathlen but no CA', 'der-trailing', withExtension(basicConstraints(Uint8Array.of(2, 1, 0)))],
    ['with a negative pathlen', 'der-value', withExtension(basicConstraints(concat(CA, Uint8Array.of(2, 1, 0x80))))],
    ['with a keyUsage without a bit', 'certificate-extension', withExtension(keyUsage(0))],
    ['with an extendedKeyUsage without a purpose', 'certificate-extension', withExtension(extendedKeyUsage([]))],
    ['with a subjectAltName without a name', 'certificate-extension', withExtension(san([]))],
    [
      'with a general name of an unknown kind',
      'certificate-extension',
      withExtension(san([tlv(contextTag(9), DER_NULL)])),
    ],
    ['with a URI that holds a NUL', 'certificate-extension', withExtension(san([tlv(0x86, Uint8Array.of(0x61, 0))]))],
    [
      'with a DNS name beyond ASCII',
      'certificate-extension',
      withExtension(san([tlv(0x82, Uint8Array.of(0xc3, 0xa9))])),
    ],
    ['with an IP address of five octets', 'certificate-extension', withExtension(san([ip(1, 2, 3, 4, 5)]))],
    [
      'with an AKI that has something after the serial',
      'der-trailing',
      withExtension(aki(tlv(contextTag(2), DER_NULL), DER_NULL)),
    ],
    ['with name constraints without a subtree', 'certificate-extension', withExtension(nameConstraints({}))],
    ['with an empty list of subtrees', 'certificate-extension', withExtension(subtree(0))],
    [
      'with a subtree that has a minimum',
      'der-trailing',
      withExtension(subtree(1, sequence(dns('a'), tlv(contextTag(0), Uint8Array.of(1))))),
    ],
    [
      'with an IP constraint without a mask',
      'certificate-extension',
      withExtension(nameConstraints({ excluded: [ip(1, 2, 3, 4)] })),
    ],
  ])('%s', (_, code, tbs) => {
    expect(() => parseTbs(tbs)).toThrow(expect.objectContaining({ code }));
  });

  it('whose two signature algorithms differ', () => {
    const der = signTbs(write(), root.key, sequence(encodeOid('1.2.840.10045.4.3.3')));
    expect(() => parseCertificate(der)).toThrow(expect.objectContaining({ code: 'certificate-algorithm' }));
  });

  it('with a set in place of a sequence', () => {
    expect(() => parseCertificate(setOfOne(write()))).toThrow(expect.objectContaining({ code: 'der-tag' }));
  });
});

describe('the reader', () => {
  it('refuses every truncation, at every byte', async () => {
    for (const der of await samples()) {
      for (let length = 0; length < der.length; length++) {
        expect(() => parseCertificate(der.slice(0, length))).toThrow(PkiError);
      }
    }
  });

  it('refuses every extension by a byte', async () => {
    for (const der of await samples()) expect(() => parseCertificate(concat(der, Uint8Array.of(0)))).toThrow(PkiError);
  });

  it('answers any change of bytes by a certificate or a PkiError, and never by anything else', async () => {
    const list = await samples();
    const change = fc.record({
      sample: fc.nat(list.length - 1),
      at: fc.nat(2000),
      to: fc.nat(255),
      more: fc.nat(2000),
    });
    fc.assert(
      fc.property(change, ({ sample, at, to, more }) => {
        const der = Uint8Array.from(list[sample] ?? []);
        der[at % der.length] = to;
        der[more % der.length] = at & 0xff;
        expect(outcome(der)).toMatch(/^(read|refused)$/);
      }),
      { numRuns: 3000 },
    );
  });

  it('answers arbitrary bytes by a PkiError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => parseCertificate(bytes)).toThrow(PkiError);
      }),
    );
  });
});

import { encodeOid } from '../../../pki/src/der/oid.ts';
import { contextTag, contextTagConstructed, TAG } from '../../../pki/src/der/tags.ts';
import { ia5String, namedBits, sequence, setOfOne, tlv, unsignedInteger } from '../../../pki/src/der/writer.ts';
import { keyRefusals } from './refused_keys.ts';
import { extension, extensionRequest, identity, OID, rdn, san, uri, type Parts, type Refusal } from './samples.ts';

const good = uri(identity);
const asked = (...extensions: Uint8Array[]): Parts => ({ attributes: [extensionRequest(san(good), ...extensions)] });
const names = (...all: Uint8Array[]): Parts => ({ attributes: [extensionRequest(san(...all))] });
const extendedKeyUsage = (...oids: string[]): Parts =>
  asked(extension(OID.extendedKeyUsage, sequence(...oids.map(encodeOid))));
const subject = (...rdns: Uint8Array[]): Parts => ({ subject: sequence(...rdns) });
const emptyOrganization = (tag: number): Uint8Array => sequence(OID.organization, tlv(tag));

/** RFC 5280 §4.2.1.6, but for the URI. */
const FOREIGN_NAMES: [name: string, tag: number][] = [
  ['an otherName', contextTagConstructed(0)],
  ['an e-mail', contextTag(1)],
  ['a DNS name', contextTag(2)],
  ['an x400Address', contextTagConstructed(3)],
  ['a directoryName', contextTagConstructed(4)],
  ['an ediPartyName', contextTagConstructed(5)],
  ['an IP address', contextTag(7)],
  ['a registeredID', contextTag(8)],
  ['a name of a tag that does not exist', contextTag(9)],
  ['a name with a high tag number', contextTag(31)],
];

const foreignNames = FOREIGN_NAMES.flatMap(([name, tag]): Refusal[] => {
  const foreign = ia5String('example.org', tag);
  return [
    [`${name} alone`, names(foreign), 'csr-san'],
    [`${name} before the URI`, names(foreign, good), 'csr-san'],
    [`${name} beside the URI`, names(good, foreign), 'csr-san'],
  ];
});

/** Extensions that others grant and that no workload may ask for. */
const foreignExtensions = [
  ['a subject key identifier', '2.5.29.14'],
  ['an authority key identifier', '2.5.29.35'],
  ['an issuerAltName', '2.5.29.18'],
  ['name constraints', '2.5.29.30'],
  ['a certificate policy', '2.5.29.32'],
  ['a CRL distribution point', '2.5.29.31'],
  ['authority information access', '1.3.6.1.5.5.7.1.1'],
  ['a TLS feature', '1.3.6.1.5.5.7.1.24'],
  ['a template of Microsoft', '1.3.6.1.4.1.311.20.2'],
  ['an extension with an OID arc above 2^31', '1.3.2147483649'],
  ['an extension with an OID arc above 2^53', '2.25.340282366920938463463374607431768211455'],
].map(([claim = '', oid = '']): Refusal => [
  claim,
  asked(extension(encodeOid(oid), Uint8Array.of(5, 0))),
  'csr-extension',
]);

const requests: Refusal[] = [
  ...foreignNames,
  ...foreignExtensions,
  ['a second URI', names(good, uri(`${identity}-2`)), 'csr-san'],
  ['the same URI twice', names(good, good), 'csr-san'],
  ['a URI that is not ASCII', names(tlv(contextTag(6), Uint8Array.of(0x73, 0xc3, 0xa4))), 'csr-san'],
  ['an empty subjectAltName', names(), 'csr-san'],
  ['two subjectAltNames', { attributes: [extensionRequest(san(good), san(good))] }, 'csr-extension'],
  ['CA:TRUE', asked(extension(OID.basicConstraints, sequence(Uint8Array.of(1, 1, 0xff)))), 'csr-ca'],
  ['CA:FALSE written out', asked(extension(OID.basicConstraints, sequence(Uint8Array.of(1, 1, 0)))), 'csr-ca'],
  ['a path length', asked(extension(OID.basicConstraints, sequence(Uint8Array.of(2, 1, 0)))), 'csr-ca'],
  ['keyCertSign', asked(extension(OID.keyUsage, namedBits(1 << 5))), 'csr-key-usage'],
  ['cRLSign', asked(extension(OID.keyUsage, namedBits(1 << 6))), 'csr-key-usage'],
  ['a key usage of no bit', asked(extension(OID.keyUsage, namedBits(0))), 'der-value'],
  ['any extended key usage', extendedKeyUsage('2.5.29.37.0'), 'csr-key-usage'],
  ['codeSigning', extendedKeyUsage('1.3.6.1.5.5.7.3.3'), 'csr-key-usage'],
  ['codeSigning after serverAuth', extendedKeyUsage('1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.3'), 'csr-key-usage'],
  ['an extended key usage twice', extendedKeyUsage('1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.1'), 'csr-key-usage'],
  ['an extended key usage without purpose', extendedKeyUsage(), 'der-value'],
  [
    'a critical FALSE written out',
    {
      attributes: [
        extensionRequest(sequence(OID.subjectAltName, Uint8Array.of(1, 1, 0), tlv(TAG.octetString, sequence(good)))),
      ],
    },
    'der-value',
  ],
  [
    'a critical that is neither 00 nor FF',
    {
      attributes: [
        extensionRequest(sequence(OID.subjectAltName, Uint8Array.of(1, 1, 1), tlv(TAG.octetString, sequence(good)))),
      ],
    },
    'der-value',
  ],
  [
    'an extension value with bytes after it',
    {
      attributes: [
        extensionRequest(sequence(OID.subjectAltName, tlv(TAG.octetString, sequence(good), Uint8Array.of(5, 0)))),
      ],
    },
    'der-trailing',
  ],
  [
    'a challenge password',
    { attributes: [sequence(OID.challengePassword, setOfOne(ia5String('x', TAG.utf8String)))] },
    'csr-attribute',
  ],
  [
    'the extension request twice',
    { attributes: [extensionRequest(san(good)), extensionRequest(san(good))] },
    'csr-attribute',
  ],
  [
    'an extension request of two values',
    { attributes: [sequence(OID.extensionRequest, tlv(TAG.set, sequence(san(good)), sequence(san(good))))] },
    'csr-attribute',
  ],
  [
    'the extension request of Microsoft',
    { attributes: [sequence(encodeOid('1.3.6.1.4.1.311.2.1.14'), setOfOne(sequence(san(good))))] },
    'csr-attribute',
  ],
  [
    'a challenge password beside the extension request',
    { attributes: [extensionRequest(san(good)), sequence(OID.challengePassword, setOfOne(ia5String('x', 0x0c)))] },
    'csr-attribute',
  ],
  ['an attribute without values', { attributes: [sequence(OID.extensionRequest)] }, 'der-truncated'],
  ['an extension request of no value', { attributes: [sequence(OID.extensionRequest, tlv(TAG.set))] }, 'der-truncated'],
  ['an extension request of no extension', { attributes: [extensionRequest()] }, 'csr-extension'],
  [
    'a third field in an attribute',
    { attributes: [sequence(OID.extensionRequest, setOfOne(sequence(san(good))), Uint8Array.of(5, 0))] },
    'der-trailing',
  ],
  [
    'a fourth field in an extension',
    {
      attributes: [
        extensionRequest(sequence(OID.subjectAltName, tlv(TAG.octetString, sequence(good)), Uint8Array.of(5, 0))),
      ],
    },
    'der-trailing',
  ],
  [
    'a third field in O=""',
    subject(setOfOne(sequence(OID.organization, tlv(0x13), Uint8Array.of(5, 0)))),
    'csr-subject',
  ],
  ['a common name', subject(rdn(OID.commonName, 'example.org')), 'csr-subject'],
  ['an organization with a name', subject(rdn(OID.organization, 'x')), 'csr-subject'],
  ['an organization of one space', subject(rdn(OID.organization, ' ')), 'csr-subject'],
  ['O="" and a common name', subject(rdn(OID.organization, ''), rdn(OID.commonName, 'x')), 'csr-subject'],
  ['O="" twice', subject(rdn(OID.organization, ''), rdn(OID.organization, '')), 'csr-subject'],
  ['O="" twice in one RDN', subject(tlv(TAG.set, emptyOrganization(0x13), emptyOrganization(0x13))), 'csr-subject'],
  ['O="" as another kind of string', subject(setOfOne(emptyOrganization(0x1e))), 'csr-subject'],
  ['an empty common name', subject(rdn(OID.commonName, '')), 'csr-subject'],
  ['an empty RDN', subject(tlv(TAG.set)), 'der-truncated'],
  ['version 2', { version: unsignedInteger(Uint8Array.of(1)) }, 'csr-version'],
  ['a signature of no octet', { signature: Uint8Array.of(3, 1, 0) }, 'der-value'],
  ['a signature with unused bits', { signature: Uint8Array.of(3, 2, 1, 0xfe) }, 'der-value'],
  ['no attributes field', { noAttributes: true }, 'der-truncated'],
  ['a fifth field in what is signed', { afterAttributes: [Uint8Array.of(5, 0)] }, 'der-trailing'],
  ['a fourth field', { afterInfo: [Uint8Array.of(5, 0)] }, 'der-trailing'],
];

/** `test/vectors/csr/refused` holds one file for each. */
export const refusals: Refusal[] = [...requests, ...keyRefusals];

import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { bits, boolean, der, dnsName, extension, octets, oid, pem, sequence, set, text, uriName } from '../der.ts';
import { ztunnelCsr } from './csr.ts';

type Keys = { publicKey: KeyObject; privateKey: KeyObject };

interface Parts {
  subject?: Uint8Array;
  extensions?: readonly Uint8Array[];
  attributes?: readonly Uint8Array[];
  keys?: Keys;
  /** Signs in place of `keys`. */
  signer?: Keys;
  hash?: string | null;
  algorithm?: Uint8Array;
}

const P256 = (): Keys => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const RSA = (modulusLength: number, publicExponent = 65_537): Keys =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent });
const ECDSA = (last: number): Uint8Array => sequence(oid(`1.2.840.10045.4.3.${last}`));
const RSA_SHA256 = sequence(oid('1.2.840.113549.1.1.11'), der(0x05));
const SAN = '2.5.29.17';
const request = (...extensions: readonly Uint8Array[]): Uint8Array =>
  sequence(oid('1.2.840.113549.1.9.14'), set(sequence(...extensions)));
const san = (...names: readonly Uint8Array[]): Uint8Array => extension(SAN, true, sequence(...names));
const name = (type: string, value: string): Uint8Array => sequence(set(sequence(oid(type), text(0x0c, value))));

function make(identity: string, parts: Parts): string {
  const keys = parts.keys ?? P256();
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' });
  const attributes = parts.attributes ?? [request(...(parts.extensions ?? [san(uriName(identity))]))];
  const info = sequence(der(0x02, Uint8Array.of(0)), parts.subject ?? sequence(), spki, der(0xa0, ...attributes));
  const signature = sign(parts.hash === undefined ? 'sha256' : parts.hash, info, (parts.signer ?? keys).privateKey);
  return pem('CERTIFICATE REQUEST', sequence(info, parts.algorithm ?? ECDSA(2), bits(signature)));
}

/** CSRs that a CA must refuse, whoever asks, for an `identity` the caller may have. Each is well formed but for what its name says. */
export const ODD_CSRS: Readonly<Record<string, (identity: string) => string>> = {
  'no PEM': () => 'not a CSR',
  'empty text': () => '',
  'PEM of another label': (id) => ztunnelCsr(id).pem.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE'),
  'two blocks': (id) => ztunnelCsr(id).pem + ztunnelCsr(id).pem,
  'cut short': (id) => pem('CERTIFICATE REQUEST', ztunnelCsr(id).der.subarray(0, -1)),
  'trailing byte': (id) => pem('CERTIFICATE REQUEST', Buffer.concat([ztunnelCsr(id).der, Uint8Array.of(0)])),
  'signature by another key': (id) => make(id, { signer: P256() }),
  'another identity': (id) => make(id, { extensions: [san(uriName(`${id}-other`))] }),
  'two URIs': (id) => make(id, { extensions: [san(uriName(id), uriName(`${id}-other`))] }),
  'a DNS name beside it': (id) => make(id, { extensions: [san(uriName(id), dnsName('istiod.istio-system.svc'))] }),
  'an IP address beside it': (id) =>
    make(id, { extensions: [san(uriName(id), der(0x87, Uint8Array.of(127, 0, 0, 1)))] }),
  'an e-mail address beside it': (id) => make(id, { extensions: [san(uriName(id), text(0x81, 'a@example.org'))] }),
  'two SAN extensions': (id) => make(id, { extensions: [san(uriName(id)), san(uriName(id))] }),
  'a common name': (id) => make(id, { subject: name('2.5.4.3', 'istiod.istio-system.svc') }),
  'an organization': (id) => make(id, { subject: name('2.5.4.10', 'system:masters') }),
  'CA:TRUE': (id) =>
    make(id, { extensions: [san(uriName(id)), extension('2.5.29.19', true, sequence(boolean(true)))] }),
  keyCertSign: (id) =>
    make(id, { extensions: [san(uriName(id)), extension('2.5.29.15', true, der(0x03, Uint8Array.of(2, 0x04)))] }),
  'a foreign EKU': (id) =>
    make(id, { extensions: [san(uriName(id)), extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.3')))] }),
  'an unknown extension': (id) =>
    make(id, { extensions: [san(uriName(id)), extension('1.2.3.4', false, octets(new Uint8Array()))] }),
  'a challenge password': (id) =>
    make(id, { attributes: [request(san(uriName(id))), sequence(oid('1.2.840.113549.1.9.7'), set(text(0x0c, 'x')))] }),
  'two extension requests': (id) => make(id, { attributes: [request(san(uriName(id))), request(san(uriName(id)))] }),
  'RSA-1024': (id) => make(id, { keys: RSA(1024), algorithm: RSA_SHA256 }),
  'RSA with exponent 3': (id) => make(id, { keys: RSA(2048, 3), algorithm: RSA_SHA256 }),
  'P-521': (id) =>
    make(id, { keys: generateKeyPairSync('ec', { namedCurve: 'P-521' }), hash: 'sha512', algorithm: ECDSA(4) }),
  'P-224': (id) => make(id, { keys: generateKeyPairSync('ec', { namedCurve: 'secp224r1' }) }),
  Ed25519: (id) =>
    make(id, { keys: generateKeyPairSync('ed25519'), hash: null, algorithm: sequence(oid('1.3.101.112')) }),
  'SHA-1': (id) => make(id, { hash: 'sha1', algorithm: sequence(oid('1.2.840.10045.4.1')) }),
};

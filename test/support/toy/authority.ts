import { createHash, randomBytes, sign, type KeyObject } from 'node:crypto';
import { generateKey } from '../client/csr.ts';
import {
  bits,
  boolean,
  der,
  dnsName,
  extension,
  integer,
  octets,
  oid,
  pem,
  sequence,
  set,
  text,
  time,
  uriName,
} from '../der.ts';

export interface ToyIssuer {
  name: string;
  key: KeyObject;
  spki: Uint8Array;
  pem: string;
}

export interface Lifetime {
  notBefore: number;
  notAfter: number;
}

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const nameOf = (cn: string): Uint8Array =>
  cn === '' ? sequence() : sequence(set(sequence(oid('2.5.4.3'), text(0x0c, cn))));
const keyId = (spki: Uint8Array): Uint8Array => createHash('sha256').update(spki).digest().subarray(0, 20);

interface Mint extends Lifetime {
  subject: string;
  issuer: string;
  spki: Uint8Array;
  issuerKey: KeyObject;
  issuerSpki: Uint8Array;
  extensions: readonly Uint8Array[];
}

function mint(facts: Mint): string {
  const tbs = sequence(
    der(0xa0, integer(Uint8Array.of(2))),
    integer(Uint8Array.of(0x40, ...randomBytes(15))),
    ECDSA_SHA256,
    nameOf(facts.issuer),
    sequence(time(facts.notBefore), time(facts.notAfter)),
    nameOf(facts.subject),
    facts.spki,
    der(
      0xa3,
      sequence(
        ...facts.extensions,
        extension('2.5.29.14', false, octets(keyId(facts.spki))),
        extension('2.5.29.35', false, sequence(der(0x80, keyId(facts.issuerSpki)))),
      ),
    ),
  );
  return pem('CERTIFICATE', sequence(tbs, ECDSA_SHA256, bits(sign('sha256', tbs, facts.issuerKey))));
}

/** A CA certificate by another, or by itself. */
export function toyCa(name: string, life: Lifetime, by?: ToyIssuer): ToyIssuer {
  const { privateKey: key, publicKey } = generateKey('ec-p256');
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const extensions = [
    extension('2.5.29.19', true, sequence(boolean(true))),
    extension('2.5.29.15', true, der(0x03, Uint8Array.of(1, 0x06))),
  ];
  const issuer = by ?? { name, key, spki };
  const facts = { ...life, subject: name, issuer: issuer.name, spki, issuerKey: issuer.key, issuerSpki: issuer.spki };
  return { name, key, spki, pem: mint({ ...facts, extensions }) };
}

/** An end-entity certificate with the extensions of an SVID; `uri` or `dns` names it. */
export function toyLeaf(
  by: ToyIssuer,
  spki: Uint8Array,
  names: { uri?: string; dns?: readonly string[] },
  life: Lifetime,
): string {
  const all = [...(names.uri === undefined ? [] : [uriName(names.uri)]), ...(names.dns ?? []).map(dnsName)];
  const extensions = [
    extension('2.5.29.19', true, sequence()),
    extension('2.5.29.15', true, der(0x03, Uint8Array.of(7, 0x80))),
    extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'))),
    extension('2.5.29.17', true, sequence(...all)),
  ];
  return mint({ ...life, subject: '', issuer: by.name, spki, issuerKey: by.key, issuerSpki: by.spki, extensions });
}

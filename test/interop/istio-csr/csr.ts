import { encodeOid } from '../../../pki/src/der/oid.ts';
import { contextTag } from '../../../pki/src/der/tags.ts';
import { ia5String, namedBits, sequence, tlv } from '../../../pki/src/der/writer.ts';
import { extension, extensionRequest, OID, rdn, san, uri } from '../../pki/csr/samples.ts';
import type { Outcome, Row } from './row.ts';
import { csrFor, csrPem, identityOf, PODS, type Stand } from './stand.ts';

/** Bits of the keyUsage as RFC 5280 §4.2.1.3 numbers them: the two that a workload may ask for, and the other seven. */
const KEY_USAGES = { allowed: [0, 2], others: [1, 3, 4, 5, 6, 7, 8] } as const;

/** Purposes that Go's crypto/x509 knows: the two that a workload may ask for, and the other twelve. */
const PURPOSES = {
  allowed: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
  others: [
    '2.5.29.37.0',
    ...[3, 4, 5, 6, 7, 8, 9].map((last) => `1.3.6.1.5.5.7.3.${last}`),
    '1.3.6.1.4.1.311.10.3.3',
    '2.16.840.1.113730.4.1',
    '1.3.6.1.4.1.311.2.1.22',
    '1.3.6.1.4.1.311.61.1.1',
  ],
} as const;

/** Every subset, the empty one first. */
function subsets<T>(of: readonly T[]): T[][] {
  return of.reduce<T[][]>((all, one) => [...all, ...all.map((set) => [...set, one])], [[]]);
}

const keyUsage = (bits: readonly number[]): Uint8Array[] =>
  bits.length === 0 ? [] : [extension(OID.keyUsage, namedBits(bits.reduce((mask, bit) => mask | (1 << bit), 0)), true)];
const purposes = (oids: readonly string[]): Uint8Array[] =>
  oids.length === 0 ? [] : [extension(OID.extendedKeyUsage, sequence(...oids.map(encodeOid)))];

/** A CSR with every key usage set that holds one that is not allowed, then with each that is. */
const keyUsageSets = {
  refused: subsets(KEY_USAGES.others)
    .slice(1)
    .flatMap((bad) => subsets(KEY_USAGES.allowed).map((good) => keyUsage([...bad, ...good]))),
  served: subsets(KEY_USAGES.allowed).map(keyUsage),
};

/** The same of extended key usages: 4 095 × 4 are too many for the wire, where each that is not allowed goes with each set that is. */
export const purposeSets = {
  all: subsets(PURPOSES.others)
    .slice(1)
    .flatMap((bad) => subsets(PURPOSES.allowed).map((good) => purposes([...bad, ...good]))),
  refused: PURPOSES.others.flatMap((bad) => subsets(PURPOSES.allowed).map((good) => purposes([bad, ...good]))),
  served: subsets(PURPOSES.allowed).map(purposes),
};

const BAR = 'spiffe://bar';
const dns = ia5String('example.com', contextTag(2));
const mail = ia5String('a@example.com', contextTag(1));
const ip = tlv(contextTag(7), Uint8Array.of(8, 8, 8, 8));

const names = (...all: Uint8Array[]): string => csrPem({ attributes: [extensionRequest(san(...all))] });

/** Rows 11 to 25: what is asked for. */
export function csrs(stand: () => Stand): Row[] {
  const own = identityOf(PODS.a);
  const ask = (csr: string): Promise<Outcome> => stand().ask({ as: PODS.a, csr });
  const asked = (...extensions: Uint8Array[]): string => csrFor([own], ...extensions);
  async function each(sets: readonly Uint8Array[][]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    // As many at a time as a node's client has in flight.
    for (let at = 0; at < sets.length; at += 32) {
      // oxlint-disable-next-line no-await-in-loop
      outcomes.push(...(await Promise.all(sets.slice(at, at + 32).map((set) => ask(asked(...set))))));
    }
    return outcomes;
  }
  const refused = { theirs: 'Unauthenticated', ours: 'InvalidArgument' } as const;
  const served = { theirs: 'OK', ours: 'OK' } as const;
  return [
    { row: 11, name: '"bad csr"', ...refused, ask: () => ask('bad csr') },
    { row: 12, name: 'with DNS example.com', ...refused, ask: () => ask(names(uri(own), dns)) },
    { row: 13, name: 'with IP 8.8.8.8', ...refused, ask: () => ask(names(uri(own), ip)) },
    { row: 14, name: 'with an e-mail address', ...refused, ask: () => ask(names(uri(own), mail)) },
    {
      row: 15,
      name: 'with CN jetstack.io',
      ...refused,
      ask: () =>
        ask(
          csrPem({
            subject: sequence(rdn(OID.commonName, 'jetstack.io')),
            attributes: [extensionRequest(san(uri(own)))],
          }),
        ),
    },
    { row: 16, name: 'two foreign identities', ...refused, ask: () => ask(csrFor(['spiffe://josh', BAR])) },
    { row: 16, name: 'one foreign identity', ...refused, ask: () => ask(csrFor([identityOf(PODS.b)])) },
    {
      row: 17,
      name: 'fewer identities than the caller has: none',
      theirs: 'Unauthenticated',
      ours: 'OK',
      because: 'a caller has one identity here and the certificate is built from it: a CSR need not repeat it',
      ask: () => ask(csrPem({ attributes: [] })),
    },
    { row: 18, name: 'more identities than the caller has', ...refused, ask: () => ask(csrFor([own, BAR])) },
    { row: 18, name: 'the same, in the other order', ...refused, ask: () => ask(csrFor([BAR, own])) },
    { row: 19, name: 'exactly the identity', ...served, ask: () => ask(csrFor([own])) },
    {
      row: 20,
      name: 'the caller’s identities in another order',
      ...served,
      ask: () => ask(names(uri(own))),
    },
    { row: 21, name: 'neither key usage nor purpose', ...served, ask: () => ask(asked()) },
    {
      row: 21,
      name: 'digitalSignature and serverAuth',
      ...served,
      ask: () => ask(asked(...keyUsage([0]), ...purposes([PURPOSES.allowed[0]]))),
    },
    { row: 22, name: 'keyCertSign', ...refused, ask: () => ask(asked(...keyUsage([5]))) },
    { row: 23, name: 'two URIs and a DNS name', ...refused, ask: () => ask(names(uri(own), uri(BAR), dns)) },
    { row: 23, name: 'two URIs and an IP address', ...refused, ask: () => ask(names(uri(own), uri(BAR), ip)) },
    { row: 23, name: 'two URIs and an e-mail address', ...refused, ask: () => ask(names(uri(own), uri(BAR), mail)) },
    { row: 23, name: 'two URIs and all three', ...refused, ask: () => ask(names(uri(own), uri(BAR), dns, ip, mail)) },
    {
      row: 24,
      name: `${keyUsageSets.refused.length} sets of key usages, one not allowed`,
      ...refused,
      ask: () => each(keyUsageSets.refused),
    },
    {
      row: 24,
      name: `${keyUsageSets.served.length} sets of allowed key usages`,
      ...served,
      ask: () => each(keyUsageSets.served),
    },
    {
      row: 25,
      name: `${purposeSets.refused.length} sets of purposes, one not allowed`,
      ...refused,
      ask: () => each(purposeSets.refused),
    },
    {
      row: 25,
      name: `${purposeSets.served.length} sets of allowed purposes`,
      ...served,
      ask: () => each(purposeSets.served),
    },
  ];
}

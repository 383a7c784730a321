import { generateNodeKey } from '../../../pki/src/crypto/node.ts';
import type { KeyType } from '../../../pki/src/crypto/port.ts';
import { createCrossCertificate } from '../../../pki/src/authority/cross.ts';
import { ANSWER_KEY_NAME } from '../../../pki/src/profiles.ts';
import { testIntermediate, testRoot, type Authority } from '../../pki/authority.ts';
import { importedRoot } from '../../pki/imported_root.ts';
import { DAY, issue, NOW, type Member } from './member.ts';
import { forged } from './forged.ts';
import { timed } from './timed.ts';

const KEYS: readonly KeyType[] = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'];
const ISTIOD = 'istiod.istio-system.svc';

const key = generateNodeKey('ec-p256');
const below = (root: Authority, ...chain: Uint8Array[]) => ({ intermediates: chain, roots: [root.certificate], key });

/** Every profile under every key that it may have. */
async function profiles(root: Authority): Promise<Member[]> {
  const svid = await testIntermediate(root, 'svid', { now: NOW });
  const serving = await testIntermediate(root, 'serving', { now: NOW });
  const tenants = await testIntermediate(root, 'issuer', { now: NOW, reservedNames: [ISTIOD] });
  const under = (issuer: Authority) => below(root, issuer.certificate);
  const authorities: [string, Uint8Array][] = [
    ['root', root.certificate],
    ['intermediate for SVIDs', svid.certificate],
    ['intermediate for serving', serving.certificate],
    ['intermediate for tenants', tenants.certificate],
  ];
  const label = 'x'.repeat(63);
  const longest = `spiffe://${label}.${label}.${label}.${'y'.repeat(63)}/ns/${label}/sa/${label}.${label}.${label}.${'z'.repeat(61)}`;
  const many = Array.from({ length: 40 }, (_, at) => `istiod-${at}.istio-system.svc`);
  return [
    ...KEYS.map((type): Member => {
      const own = generateNodeKey(type);
      const leaf = issue(svid, own);
      return { name: `SVID, key ${type}`, ...under(svid), leaf, key: own, time: null, expected: 'both' };
    }),
    {
      name: 'SVID, the longest name',
      ...under(svid),
      leaf: issue(svid, key, { uri: longest }),
      time: null,
      expected: 'both',
    },
    ...KEYS.map((type): Member => {
      const own = generateNodeKey(type);
      const leaf = issue(serving, own, { dnsNames: [ISTIOD] });
      return {
        name: `serving, key ${type}`,
        ...under(serving),
        leaf,
        key: own,
        time: null,
        expected: 'server',
      };
    }),
    {
      name: 'serving, 40 names',
      ...under(serving),
      leaf: issue(serving, key, { dnsNames: many }),
      time: null,
      expected: 'server',
    },
    {
      name: 'answer key',
      ...under(serving),
      leaf: issue(serving, key, { profile: 'answer', dnsNames: [ANSWER_KEY_NAME] }),
      time: null,
      expected: 'server',
    },
    ...authorities.map(([name, leaf]): Member => ({
      name,
      ...below(root),
      leaf,
      key: null,
      time: null,
      expected: 'ca',
    })),
  ];
}

/** An SVID under each key of a root and of an intermediate, ours or imported. */
async function issuers(): Promise<Member[]> {
  const pairs: [string, Authority, KeyType][] = [];
  for (const type of ['ec-p384', 'rsa-2048'] as const) pairs.push([type, await testRoot(type, NOW), type]);
  for (const type of ['ec-p384', 'rsa-2048', 'rsa-3072'] as const)
    pairs.push([`${type}, imported`, await importedRoot(type), 'ec-p256']);
  return Promise.all(
    pairs.map(async ([what, root, type]): Promise<Member> => {
      const svid = await testIntermediate(root, 'svid', { type, now: NOW });
      const name = `SVID, intermediate ${type}, root ${what}`;
      return { name, ...below(root, svid.certificate), leaf: issue(svid, key), time: null, expected: 'both' };
    }),
  );
}

/** What a rotation hands out, for those who know the older root, the newer one, or both. */
async function rotation(older: Authority): Promise<Member[]> {
  const newer = await testRoot('ec-p384', NOW);
  const svid = await testIntermediate(newer, 'svid', { now: NOW });
  const by = { certificate: older.certificate, signingKey: older.privateKey };
  const cross = await createCrossCertificate({ newer: newer.certificate, older: by, now: NOW });
  const leaf = issue(svid, key);
  const row = (name: string, chain: Uint8Array[], roots: Authority[], fault?: Member['fault']): Member => ({
    name,
    leaf,
    key,
    intermediates: chain,
    roots: roots.map(({ certificate }) => certificate),
    time: null,
    expected: fault === undefined ? 'both' : 'none',
    ...(fault && { fault }),
  });
  const [own, both] = [svid.certificate, [svid.certificate, cross]];
  return [
    { name: 'a cross-certificate', ...below(older), leaf: cross, key: null, time: null, expected: 'ca' },
    row('new issuer, cross-certificate, older root', both, [older]),
    row('new issuer, cross-certificate, newer root', both, [newer]),
    row('new issuer, cross-certificate, both roots', both, [older, newer]),
    row('the cross-certificate before the issuer', [cross, own], [older]),
    row('new issuer, newer root, no cross-certificate', [own], [newer]),
    row('new issuer, older root, no cross-certificate', [own], [older], 'chain-unknown-issuer'),
  ];
}

/** The corpus: made anew for each run, so that those judges who know only the present can judge it. */
export async function corpus(): Promise<Member[]> {
  const root = await testRoot('ec-p256', NOW - 100 * DAY);
  return [
    ...(await profiles(root)),
    ...(await issuers()),
    ...(await rotation(root)),
    ...(await timed(root)),
    ...(await forged(root)),
  ];
}
